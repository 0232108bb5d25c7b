"""Hostile AuthnRequests, each with the one check that stops it (the attack table of SAML).

`ATTACKS` holds them all; `payload(attack, sp)` gives the raw query (Redirect) or form body (POST)
of a request over HTTP, for a service provider with the addresses of the server under test.
"""

from __future__ import annotations

from tests.attacks.saml import corpus, message_types
from tests.attacks.saml.attack import Attack, payload
from tests.attacks.saml.message_types import POST, REDIRECT

ATTACKS = corpus.of(message_types.AUTHN_REQUEST)

__all__ = ["ATTACKS", "POST", "REDIRECT", "Attack", "payload"]
