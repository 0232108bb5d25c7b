"""Typed reading of the members of a client metadata document (RFC 7591 §2, §2.2).

A member that is null, an empty string or an empty list counts as absent, so that an empty algorithm
never reaches a signer. Every reader raises InvalidClientMetadata and names the member.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from idp.protocol import jwk
from idp.protocol import uri as uris
from idp.protocol.errors import InvalidClientMetadata

MAX_TEXT = 500
MAX_ITEMS = 100
# Each has a column of this size.
MAX_ADDRESS = 500
MAX_JWKS_BYTES = 32 * 1024


class Members:
    """A metadata document under its typed readers."""

    __slots__ = ("_document",)

    def __init__(self, document: Mapping[str, Any]) -> None:
        """`document`: as parsed from JSON; not changed."""
        self._document = {
            name: value
            for name, value in document.items()
            if not (value is None or value == "" or value == [])
        }

    def __contains__(self, name: str) -> bool:
        """Tell whether the member is there and not empty."""
        return name in self._document

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the members that are not empty."""
        return iter(self._document)

    def text(self, name: str, default: str = "") -> str:
        """Return a printable string of at most 500 characters."""
        value = self._document.get(name, default)
        return _text(name, value, maximum=MAX_TEXT)

    def long_text(self, name: str, *, maximum: int) -> str:
        """Return a printable string of at most `maximum` characters, "" if absent."""
        return _text(name, self._document.get(name, ""), maximum=maximum)

    def demanded(self, name: str) -> bool:
        """Tell whether an option is switched on: neither absent nor false nor "none"."""
        return self._document.get(name, False) not in (False, "none")

    def choice(self, name: str, allowed: Sequence[str], *, default: str) -> str:
        """Return one of `allowed`; the error names them (RFC 7591 §3.2.2)."""
        value = self.text(name, default)
        if value not in allowed and name in self:
            raise _unsupported(name, value, allowed)
        return value

    def texts(self, name: str, default: Sequence[str] = ()) -> tuple[str, ...]:
        """Return a list of different strings, without empty ones, in the order given."""
        value = self._document.get(name, list(default))
        if not isinstance(value, list) or len(value) > MAX_ITEMS:
            raise InvalidClientMetadata(f"{name} must be a list of at most {MAX_ITEMS} strings")
        items = (_text(name, one, maximum=uris.MAX_CHARACTERS) for one in value)
        return tuple(one for one in dict.fromkeys(items) if one)

    def choices(
        self, name: str, allowed: Sequence[str], *, default: Sequence[str]
    ) -> tuple[str, ...]:
        """Return a list whose items are all in `allowed`."""
        values = self.texts(name, default)
        for value in values:
            if value not in allowed:
                raise _unsupported(name, value, allowed)
        return values

    def flag(self, name: str) -> bool:
        """Return a boolean, false if absent."""
        value = self._document.get(name, False)
        if not isinstance(value, bool):
            raise InvalidClientMetadata(f"{name} must be true or false")
        return value

    def seconds(self, name: str, *, maximum: int) -> int | None:
        """Return a whole number of seconds from 0 to `maximum`, None if absent."""
        value = self._document.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= maximum:
            raise InvalidClientMetadata(f"{name} must be a number of seconds up to {maximum}")
        return value

    def address(self, name: str) -> str:
        """Return an https address without fragment, or http to a loopback host; "" if absent."""
        value = self._document.get(name, "")
        if value == "":
            return ""
        address = _address(name, value)
        if len(address) > MAX_ADDRESS:
            raise InvalidClientMetadata(f"{name} is longer than {MAX_ADDRESS} characters")
        return address

    def addresses(self, name: str, *, fragments: bool = False) -> tuple[str, ...]:
        """Return a list of such addresses; `fragments`: each may have one (OIDC Core §6.2)."""
        return tuple(_address(name, one, fragment=fragments) for one in self.texts(name))

    def jwks(self, name: str) -> dict[str, Any]:
        """Return a JWK set of public keys as it came, {} if absent (RFC 7517 §5)."""
        if name not in self:
            return {}
        value = self._document.get(name)
        if not isinstance(value, dict):
            raise InvalidClientMetadata(f"{name} must be an object with a list of keys")
        _demand_storable(name, value)
        try:
            jwk.parse_set(value)
        except jwk.InvalidKeySet as error:
            raise InvalidClientMetadata(f"{name} {error}") from None
        return value


def _unsupported(name: str, value: str, allowed: Sequence[str]) -> InvalidClientMetadata:
    supported = ", ".join(allowed)
    return InvalidClientMetadata(f"{name} {value[:60]} is not supported; supported: {supported}")


def _text(name: str, value: object, *, maximum: int) -> str:
    if not isinstance(value, str):
        raise InvalidClientMetadata(f"{name} must be a string")
    if len(value) > maximum or not value.isprintable():
        raise InvalidClientMetadata(f"{name} is too long or not printable")
    return value


def _demand_storable(name: str, value: Mapping[str, Any]) -> None:
    try:
        encoded = orjson.dumps(value)
    except TypeError as error:
        raise InvalidClientMetadata(f"{name} is not plain JSON", detail=str(error)) from None
    if len(encoded) > MAX_JWKS_BYTES or b"\\u0000" in encoded:
        raise InvalidClientMetadata(f"{name} is larger than {MAX_JWKS_BYTES} bytes or holds NUL")


def _address(name: str, value: object, *, fragment: bool = False) -> str:
    if not isinstance(value, str):
        raise InvalidClientMetadata(f"{name} must be a string")
    try:
        parts = uris.split_web(value)
    except uris.InvalidUri as error:
        raise InvalidClientMetadata(f"{name} {error}") from None
    if parts.fragment is not None and not fragment:
        raise InvalidClientMetadata(f"{name} holds a fragment")
    return value
