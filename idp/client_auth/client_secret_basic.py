"""The method client_secret_basic: HTTP Basic (RFC 6749 §2.3.1, RFC 7617)."""

from __future__ import annotations

import binascii
from urllib.parse import unquote_plus

from idp.client_auth.credentials import Credentials
from idp.models import Client
from idp.protocol.errors import InvalidClient, InvalidRequest
from idp.protocol.message import Request
from idp.protocol.parameters import Parameters
from idp.tokens import client_secret

NAME = "client_secret_basic"
SCHEME = "basic"
LONGEST = 2000


def present(request: Request, parameters: Parameters) -> Credentials | None:
    """Return the credentials of the Authorization header; None if there is no such header.

    The scheme's name in any case (RFC 9110 §11.1); user name and password are form-urlencoded.
    Raises InvalidRequest for several headers, InvalidClient for another scheme or broken contents.
    """
    if not request.authorization:
        return None
    if len(request.authorization) > 1:
        raise InvalidRequest("more than one Authorization header")
    scheme, _, encoded = request.authorization[0].strip().partition(" ")
    if scheme.lower() != SCHEME:
        raise InvalidClient("clients authenticate with the scheme Basic")
    name, separator, secret = _decode(encoded.strip()).partition(":")
    if not separator:
        raise InvalidClient("the Basic credentials hold no colon")
    return Credentials(_form_decode(name), _form_decode(secret))


def verify(client: Client | None, credentials: Credentials) -> bool:
    """Tell whether the secret is the client's."""
    return client_secret.belongs_to(client, credentials.secret)


def _decode(encoded: str) -> str:
    if len(encoded) > LONGEST:
        raise InvalidClient("the Basic credentials are too long")
    try:
        return binascii.a2b_base64(encoded, strict_mode=True).decode("utf-8")
    except (binascii.Error, ValueError):
        raise InvalidClient("the Basic credentials are not base64 of UTF-8") from None


def _form_decode(text: str) -> str:
    if "%" not in text and "+" not in text:
        return text
    try:
        return unquote_plus(text, errors="strict")
    except UnicodeDecodeError:
        raise InvalidClient("the Basic credentials are not UTF-8") from None
