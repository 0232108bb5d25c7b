"""What a hostile message is, and the list that the modules beside this one fill.

Wherever it can be, the signature is good: made by the service provider's own key over what its
Reference says. So if the named check goes, the message gets further than it should, and the test
that compares the check fails.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lxml import etree

from tests.attacks.saml import message_types
from tests.attacks.saml.message_types import POST, REDIRECT, SOAP, MessageType
from tests.attacks.saml.service_provider import ServiceProvider

EVIL = "https://evil.example/acs"
WRAPPER = 'xmlns:x="urn:example:wrapper"'

EVERYWHERE = (REDIRECT, POST, SOAP)
WITH_OPEN_CONTENT = tuple(one for one in message_types.TYPES if one.open_content)
# What by POST or SOAP only the verification finds: by Redirect no XML signature gets that far.
AFTER_INSPECTION = ("signature_value", "key_type")

# An element, text, octets, Encoded, or Raw.
Document = Any


@dataclass(frozen=True)
class Attack:
    """One hostile message. `check`: the name of the rule that must refuse it.

    `bindings` and `types`: by which, and as what it makes sense; `instead`: the checks of bindings
    where another rule comes first.
    """

    name: str
    check: str
    build: Callable[[ServiceProvider], Document]
    bindings: tuple[str, ...] = EVERYWHERE
    types: tuple[MessageType, ...] = message_types.TYPES
    instead: Mapping[str, str] = field(default_factory=dict)

    @property
    def binding(self) -> str:
        """The binding of an attack that has one."""
        return self.bindings[0]


@dataclass(frozen=True)
class Raw:
    """A query or body that is to be sent as it is."""

    payload: bytes


ATTACKS: list[Attack] = []


def of(message: MessageType) -> list[Attack]:
    """Every attack with this type of message, by every binding that brings it."""
    return [
        replace(variant, name=f"{variant.binding}-{variant.name}")
        for attack in ATTACKS
        for type_, variant in variants(attack)
        if type_ is message
    ]


def variants(attack: Attack) -> list[tuple[MessageType, Attack]]:
    """The attack as each type of message, by each binding that brings that."""
    return [
        (message, replace(attack, check=_check(attack, binding), bindings=(binding,)))
        for message in attack.types
        for binding in message.bindings
        if binding in attack.bindings
    ]


def _check(attack: Attack, binding: str) -> str:
    if binding in attack.instead:
        return attack.instead[binding]
    document = attack.bindings != (REDIRECT,)
    if binding == REDIRECT and document and attack.check in AFTER_INSPECTION:
        return "embedded_signature"
    return attack.check


def payload(attack: Attack, sp: ServiceProvider) -> bytes:
    """The raw query, form body or envelope of an attack by its first binding."""
    built = attack.build(sp)
    if isinstance(built, Raw):
        return built.payload
    if attack.binding == SOAP:
        return sp.soap(built)
    # Not packed, since what packs too well is refused for that alone.
    return sp.post(built) if attack.binding == POST else sp.redirect(built, level=0)


def one(
    check: str,
    *,
    by: tuple[str, ...] = EVERYWHERE,
    types: Iterable[MessageType] = message_types.TYPES,
    name: str = "",
    **instead: str,
) -> Any:
    """Register a function that builds an attack; its name is the attack's."""

    def register(build: Callable[[ServiceProvider], Document]) -> Any:
        ATTACKS.append(Attack(name or build.__name__, check, build, by, tuple(types), instead))
        return build

    return register


def several(
    check: str,
    variants: dict[str, Any],
    *,
    by: tuple[str, ...] = EVERYWHERE,
    types: Iterable[MessageType] = message_types.TYPES,
    **instead: str,
) -> Any:
    """Register a function of a service provider and a variant, once for each variant."""

    def register(build: Callable[[ServiceProvider, Any], Any]) -> Any:
        for name, variant in variants.items():
            built = functools.partial(_with, build, variant)
            named = f"{build.__name__}[{name}]"
            ATTACKS.append(Attack(named, check, built, by, tuple(types), instead))
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


def in_extensions(sp: ServiceProvider, content: str) -> dict[str, str]:
    """The options of a message with something in its extensions."""
    return {"inside": within_extensions(content)}


def in_content(sp: ServiceProvider, content: str) -> dict[str, str]:
    """The options of a message with something in the other open place of its type."""
    wrapped = f"<x:any {WRAPPER}>{content}</x:any>"
    return {"content": sp.message.open_content.replace("{}", wrapped)}


def forgery(sp: ServiceProvider) -> dict[str, str]:
    """The options of the message that the attacker wants to be taken for the good one."""
    return {"identifier": "_forged", "acs_url": EVIL, "content": sp.message.forged}
