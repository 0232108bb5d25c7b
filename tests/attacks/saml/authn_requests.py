"""Hostile AuthnRequests, each with the one check that stops it (the attack table of SAML).

`ATTACKS` holds them all; `payload(attack, sp)` gives the raw query (Redirect) or form body (POST)
of a request over HTTP, for a service provider with the addresses of the server under test.
"""

from __future__ import annotations

from tests.attacks.saml import algorithms, messages, octets, references, transport, wrapping
from tests.attacks.saml.attack import ATTACKS, POST, REDIRECT, Attack, payload

MODULES = (octets, messages, wrapping, references, algorithms, transport)

__all__ = ["ATTACKS", "MODULES", "POST", "REDIRECT", "Attack", "payload"]
