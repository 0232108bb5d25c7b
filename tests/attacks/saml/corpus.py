"""The whole corpus: `of(message_type)` gives every hostile message of a type, by every binding."""

from __future__ import annotations

from tests.attacks.saml import (
    algorithms,
    costly,
    envelopes,
    messages,
    octets,
    references,
    transport,
    wrapping,
)
from tests.attacks.saml.attack import ATTACKS, Attack, of, payload, variants

MODULES = (octets, messages, wrapping, references, algorithms, transport, envelopes, costly)

__all__ = ["ATTACKS", "MODULES", "Attack", "of", "payload", "variants"]
