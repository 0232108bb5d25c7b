"""Logout tokens (OIDC Back-Channel Logout §2.4): what a client is told of a session's end."""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime

from django.conf import settings

from idp import keys, subjects
from idp.models import Client
from idp.protocol import logout_token
from idp.protocol.vocabulary import JwtType


def issue(client: Client, *, user_id: uuid.UUID, sid: uuid.UUID, now: datetime) -> str:
    """Return a signed logout token in the algorithm of the client's ID tokens (§2.6)."""
    claims = logout_token.claims(
        issuer=settings.IDP.issuer,
        client_id=client.client_id,
        jti=secrets.token_urlsafe(16),
        now=now,
        subject=subjects.of(client, user_id),
        sid=sid.hex,
    )
    signer = keys.signer(client.id_token_signed_response_alg)
    return signer.sign(claims, typ=JwtType.LOGOUT_TOKEN)
