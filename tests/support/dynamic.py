"""A client that registers itself, against the endpoints in this process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson

from idp.models import InitialAccessToken, RegistrationPolicy
from idp.protocol.message import Response
from idp.tokens import registration_token
from tests.support.protocol import Provider, json

JSON = "application/json"
SOUND = {"client_name": "Wiki", "redirect_uris": ["https://wiki.example/callback"]}


def policy(**fields: Any) -> RegistrationPolicy:
    """The one policy, open unless told otherwise."""
    row, _ = RegistrationPolicy.objects.get_or_create(pk=1)
    for name, value in {"mode": "open", "per_hour": 10_000, **fields}.items():
        setattr(row, name, value)
    row.save()
    return row


def initial_access_token(**fields: Any) -> tuple[InitialAccessToken, str]:
    """A token that registers, and its row."""
    token = registration_token.generate(registration_token.INITIAL)
    digest = registration_token.digest(token)
    row = InitialAccessToken.objects.create(name="Team", token_hash=digest, **fields)
    return row, token


def register(provider: Provider, *, token: str | None = None, **changes: Any) -> Response:
    """Send a sound registration with changes; a change of None leaves a member out."""
    document = {k: v for k, v in {**SOUND, **changes}.items() if v is not None}
    return send(provider, "POST", "/register", document, token=token)


def send(
    provider: Provider, method: str, path: str, document: Any = None, *, token: str | None = None
) -> Response:
    """Send JSON under a bearer token; bytes as they are."""
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    parts = urlsplit(path)
    return provider.send(
        method,
        parts.path,
        query=parts.query,
        body=b"" if document is None else body,
        content_type=JSON,
        authorization=(f"Bearer {token}",) if token is not None else (),
    )


@dataclass
class Registered:
    """What a registration has answered, and how to go on with it."""

    provider: Provider
    answer: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.answer["client_id"]

    @property
    def token(self) -> str:
        return self.answer["registration_access_token"]

    @property
    def path(self) -> str:
        parts = urlsplit(self.answer["registration_client_uri"])
        return f"{parts.path}?{parts.query}"

    @property
    def metadata(self) -> dict[str, Any]:
        """What a change sends back: everything but what the answer adds."""
        added = {
            *("registration_access_token", "registration_client_uri"),
            *("client_secret_expires_at", "client_id_issued_at"),
        }
        return {name: value for name, value in self.answer.items() if name not in added}

    def read(self, token: str | None = None) -> Response:
        return send(self.provider, "GET", self.path, token=token or self.token)

    def change(self, token: str | None = None, **changes: Any) -> Response:
        document = {k: v for k, v in {**self.metadata, **changes}.items() if v is not None}
        response = send(self.provider, "PUT", self.path, document, token=token or self.token)
        if response.status == 200:
            self.answer = {**self.answer, **json(response)}
        return response

    def remove(self, token: str | None = None) -> Response:
        return send(self.provider, "DELETE", self.path, token=token or self.token)


def registered(provider: Provider, **changes: Any) -> Registered:
    """A client that has registered itself."""
    response = register(provider, **changes)
    assert response.status == 201, response.body
    return Registered(provider, json(response))
