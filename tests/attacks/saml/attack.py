"""What a hostile message is, and the list that the modules beside this one fill.

Wherever it can be, the signature is good: made by the service provider's own key over what its
Reference says. So if the named check goes, the message gets further than it should, and the test
that compares the check fails.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lxml import etree

from federation.saml import vocabulary
from tests.attacks.saml.service_provider import ServiceProvider

EVIL = "https://evil.example/acs"
POST = "post"
REDIRECT = "redirect"
WRAPPER = 'xmlns:x="urn:example:wrapper"'

# An element, text, octets, or Raw.
Document = Any


@dataclass(frozen=True)
class Attack:
    """One hostile message. `check`: the name of the rule that must refuse it."""

    name: str
    check: str
    binding: str
    build: Callable[[ServiceProvider], Document]


@dataclass(frozen=True)
class Raw:
    """A query or body that is to be sent as it is."""

    payload: bytes


ATTACKS: list[Attack] = []


def payload(attack: Attack, sp: ServiceProvider) -> bytes:
    """The raw query or form body of an attack."""
    built = attack.build(sp)
    if isinstance(built, Raw):
        return built.payload
    return sp.post(built) if attack.binding == POST else sp.redirect(built)


def one(check: str, *, binding: str = POST, name: str = "") -> Any:
    """Register a function that builds an attack; its name is the attack's."""

    def register(build: Callable[[ServiceProvider], Document]) -> Any:
        ATTACKS.append(Attack(name or build.__name__, check, binding, build))
        return build

    return register


def several(check: str, variants: dict[str, Any], *, binding: str = POST) -> Any:
    """Register a function of a service provider and a variant, once for each variant."""

    def register(build: Callable[[ServiceProvider, Any], Any]) -> Any:
        for name, variant in variants.items():
            ATTACKS.append(
                Attack(
                    f"{build.__name__}[{name}]",
                    check,
                    binding,
                    functools.partial(_with, build, variant),
                )
            )
        return build

    return register


def _with(build: Callable[[ServiceProvider, Any], Any], variant: Any, sp: ServiceProvider) -> Any:
    return build(sp, variant)


def text(element: Any) -> str:
    """An element as text, to be mutilated."""
    return etree.tostring(element, encoding="unicode")


def within_extensions(content: str) -> str:
    """Something in a place that the schema leaves open."""
    return f"<samlp:Extensions><x:any {WRAPPER}>{content}</x:any></samlp:Extensions>"


def within_confirmation(content: str) -> str:
    """Something in the other open place: SubjectConfirmationData."""
    return (
        "<saml:Subject><saml:NameID>alice</saml:NameID><saml:SubjectConfirmation "
        f'Method="{vocabulary.BEARER}"><saml:SubjectConfirmationData>{content}'
        "</saml:SubjectConfirmationData></saml:SubjectConfirmation></saml:Subject>"
    )
