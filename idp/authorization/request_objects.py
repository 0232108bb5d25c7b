"""The parameters of a request that comes as a request object (OIDC Core §6, RFC 9101 §5).

By value, or at an address that the client has registered: nothing else is ever fetched. Verified
with the client's keys, decrypted with ours; what the parameters mean is for the checks.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import datetime, timedelta

from django.conf import settings

from idp import client_keys, keys, outbound
from idp.models import Client
from idp.protocol import jwe, request_object, request_uri
from idp.protocol.errors import (
    InvalidRequest,
    InvalidRequestObject,
    InvalidRequestUri,
    TemporarilyUnavailable,
)
from idp.protocol.jose import InvalidJwt
from idp.protocol.jwk import ClientKeys
from idp.protocol.parameters import Parameters
from idp.protocol.request_uri import Reference

TIMEOUT = timedelta(seconds=5)
# A thread that waits for somebody else's server serves nobody: the others are for sign-ins.
FETCHES_AT_ONCE = 1
MOST_KEPT = 256

_fetching = threading.BoundedSemaphore(FETCHES_AT_ONCE)
_kept: OrderedDict[tuple[str, str], str] = OrderedDict()


def are_used(parameters: Parameters) -> bool:
    """Whether the request comes as a request object."""
    return "request" in parameters or "request_uri" in parameters


def parameters_of(client: Client, outer: Parameters, *, now: datetime) -> Parameters:
    """Return the parameters inside, and beside them those of the request itself.

    Beside counts nothing where the client must sign its requests (RFC 9101 §6.3).
    Raises InvalidRequest, InvalidRequestObject, InvalidRequestUri, TemporarilyUnavailable.
    """
    by_value, address = outer.one("request"), outer.one("request_uri")
    if by_value and address:
        raise InvalidRequest("request and request_uri exclude each other")
    text = by_value or _fetch(request_uri.find(address or "", client.request_uris))

    def attempt(known: ClientKeys) -> Parameters:
        return request_object.read(
            text,
            client_id=client.client_id,
            keys=known,
            algorithm=client.request_object_signing_alg or None,
            issuer=settings.IDP.issuer,
            now=now,
            outer=outer,
            supplement=not client.require_signed_request_object,
            decrypt=_decrypt,
        )

    try:
        return client_keys.retried(client, attempt, unknown=request_object.UnknownKey)
    except client_keys.NoKeys as error:
        raise InvalidRequestObject(
            "the request object cannot be verified: the client's keys are not known",
            detail=str(error),
        ) from None


def _decrypt(token: str) -> bytes:
    """Return what was encrypted to one of our keys; those of another kid refuse at once."""
    for key in keys.decryption_keys().values():
        try:
            return jwe.decrypt(token, {key.kid: key})
        except InvalidJwt:
            continue
    raise InvalidJwt("no key of ours opens it")


def _fetch(reference: Reference) -> str:
    """Return the object at a registered address; one that cannot change is kept (§6.2)."""
    key = (reference.location, reference.fragment)
    if key in _kept:
        return _kept[key]
    if not _fetching.acquire(blocking=False):
        raise TemporarilyUnavailable("another request object is being fetched; try again")
    try:
        text = _download(reference)
    finally:
        _fetching.release()
    if reference.is_hash_of(text.encode()):
        _kept[key] = text
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    return text


def _download(reference: Reference) -> str:
    accept = ", ".join(request_uri.MEDIA_TYPES)
    try:
        answer = outbound.get(
            reference.location, accept=accept, limit=request_uri.MAX_BYTES, timeout=TIMEOUT
        )
    except outbound.OutboundError as error:
        raise InvalidRequestUri("request_uri cannot be read", detail=str(error)) from None
    if answer.status != 200:
        raise InvalidRequestUri(
            "request_uri cannot be read", detail=f"it answers with status {answer.status}"
        )
    if not answer.body.isascii():
        raise InvalidRequestUri("request_uri leads to no request object")
    return answer.body.decode("ascii").strip()
