"""How an authorization response travels: query, fragment, form_post.

RFC 6749 §4.1.2, OAuth Multiple Response Types §2.1, OAuth Form Post §2. The redirect URI is kept
byte for byte; values are encoded so that any form decoder gives them back unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from idp.protocol import response_type as response_types
from idp.protocol import uri as uris
from idp.protocol import vocabulary
from idp.protocol.errors import InvalidRequest

DEFAULT = "query"
FRAGMENT = "fragment"
FORM_POST = "form_post"

_UNRESERVED = re.compile(r"[A-Za-z0-9\-._~]*")


@dataclass(frozen=True, slots=True)
class FormPost:
    """What the self-posting page needs; the template escapes it (OAuth Form Post §2)."""

    action: str
    fields: tuple[tuple[str, str], ...]
    form_action: str


def default(response_type: str) -> str:
    """Return the mode of a response type that names none (OAuth Multiple Response Types §2.1, §5).

    `response_type`: as received, supported or not; its error must not travel in a query either.
    """
    return FRAGMENT if response_types.brings_tokens(response_type) else DEFAULT


def parse(value: str | None, *, response_type: str) -> str:
    """Return the response mode of a request (OAuth Multiple Response Types §2.1, §5).

    Raises InvalidRequest for one that is not supported, and for tokens in a query, which ends up in
    logs and referrers.
    """
    if value is None:
        return default(response_type)
    if value not in vocabulary.RESPONSE_MODES:
        supported = ", ".join(vocabulary.RESPONSE_MODES)
        raise InvalidRequest(f"response_mode is not supported; use one of {supported}")
    if value == DEFAULT and response_types.brings_tokens(response_type):
        raise InvalidRequest("response_mode query is not for response types that bring tokens")
    return value


def query(redirect_uri: str, parameters: Mapping[str, str | None]) -> str:
    """Return `redirect_uri` with the parameters added to its query (RFC 6749 §4.1.2, §3.1.2).

    A query it has is kept byte for byte; parameters that are None are left out.
    """
    if "?" not in redirect_uri:
        separator = "?"
    elif redirect_uri.endswith(("?", "&")):
        separator = ""
    else:
        separator = "&"
    return f"{redirect_uri}{separator}{_encode(parameters)}"


def fragment(redirect_uri: str, parameters: Mapping[str, str | None]) -> str:
    """Return `redirect_uri` with the parameters as its fragment (RFC 6749 §4.2.2)."""
    return f"{redirect_uri}#{_encode(parameters)}"


def form_post(redirect_uri: str, parameters: Mapping[str, str | None]) -> FormPost:
    """Return the data of the page that posts the parameters (OAuth Form Post §2)."""
    return FormPost(redirect_uri, tuple(_present(parameters).items()), form_action(redirect_uri))


def form_action(redirect_uri: str) -> str:
    """Return the CSP source that lets a form lead to `redirect_uri` (CSP3 §6.4.2).

    Its origin; only the scheme for private-use schemes and IPv6 literals, which CSP cannot write.
    """
    parts = uris.split(redirect_uri)
    if not parts.is_web or (parts.host or "").startswith("["):
        return f"{parts.scheme}:"
    return parts.origin


def _encode(parameters: Mapping[str, str | None]) -> str:
    pairs = _present(parameters).items()
    return "&".join(f"{_quote(name)}={_quote(value)}" for name, value in pairs)


def _quote(text: str) -> str:
    return text if _UNRESERVED.fullmatch(text) else quote(text, safe="")


def _present(parameters: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in parameters.items() if value is not None}
