"""Responses that travel by artifact: kept for a minute, given once (SAML Bindings §3.6).

The browser carries 44 bytes that mean nothing; the service provider fetches what they stand for
itself. A row holds the digest of the handle and the sealed message: neither can be made out of the
other, and a database dump gives nobody a message.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from datetime import datetime, timedelta

from federation.identity_provider import entity
from federation.models import ServiceProvider, StoredArtifact
from federation.saml import artifact, errors
from federation.saml.artifact import Artifact
from idp import keys
from idp.accounts import access
from idp.models import Session, User

PURPOSE = "saml artifact"
# SAML Bindings §3.6.5.2 wants it short; the browser only has to follow one redirect.
LIFETIME = timedelta(seconds=60)


def issue(
    message: bytes, *, service_provider: ServiceProvider, session: Session | None, now: datetime
) -> str:
    """Keep a message for this service provider; returns its artifact.

    `session`: the message is worth nothing once this has ended, None for one about nobody.
    """
    made = artifact.new(entity.entity_id())
    # Errors travel so too, and anybody can ask for one.
    StoredArtifact.objects.sweep(now=now)
    StoredArtifact.objects.create(
        handle_hash=_digest(made),
        application_id=service_provider.pk,
        session=session,
        sealed=keys.seal(PURPOSE, made.handle + message),
        expires_at=now + LIFETIME,
    )
    return made.encode()


def take(text: str, *, service_provider: ServiceProvider, now: datetime) -> bytes:
    """The message behind an artifact, which is worth nothing afterwards: one statement decides.

    Raises InvalidMessage where there is none for this service provider, or where the person may not
    use it any more.
    """
    known = artifact.decode(text)
    if known.endpoint_index or known.source_id != artifact.source_id(entity.entity_id()):
        raise errors.InvalidMessage("artifact", "made by somebody else")
    taken = StoredArtifact.objects.take(_digest(known), application_id=service_provider.pk, now=now)
    if taken is None:
        raise errors.InvalidMessage(
            "artifact", "unknown, used before, expired, or another service provider's"
        )
    sealed, session_id = taken
    if session_id is not None and not _may_use(session_id, service_provider):
        raise errors.InvalidMessage("artifact", "the person may not use the application any more")
    return _opened(sealed, known)


def _may_use(session_id: uuid.UUID, service_provider: ServiceProvider) -> bool:
    user = User.objects.filter(sessions=session_id).first()
    return user is not None and access.may_use(user, service_provider.application).allowed


def _opened(sealed: bytes, known: Artifact) -> bytes:
    """The message; rows that somebody has exchanged open nothing."""
    try:
        opened = keys.unseal(PURPOSE, sealed)
    except keys.Unsealable as error:
        raise errors.InvalidMessage("artifact", "cannot be opened") from error
    handle, message = opened[: artifact.HANDLE_BYTES], opened[artifact.HANDLE_BYTES :]
    if not hmac.compare_digest(handle, known.handle):
        raise errors.InvalidMessage("artifact", "sealed for another one")
    return message


def _digest(one: Artifact) -> str:
    return hashlib.sha256(one.handle).hexdigest()
