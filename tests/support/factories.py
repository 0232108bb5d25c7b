"""Rows as tests need them (factory-boy): valid by default, everything settable by name."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from federation.models import ServiceProvider
from idp import models

PASSWORD = "correct horse battery staple"


class GroupFactory(DjangoModelFactory):
    """A group."""

    class Meta:
        model = models.Group

    name = factory.Sequence(lambda number: f"group{number}")


class UserFactory(DjangoModelFactory):
    """A person with a verified address who cannot sign in; `password=...` lets them.

    `groups=["staff"]` puts them into groups, which are made when missing.
    """

    class Meta:
        model = models.User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda number: f"person{number}")
    email = factory.LazyAttribute(lambda person: f"{person.username}@example.org")
    email_verified = True
    password = "!"

    @classmethod
    def _create(cls, model_class: type[models.User], *args: Any, **fields: Any) -> models.User:
        password = fields.pop("password")
        user = model_class(*args, **fields)
        if password == "!":
            user.set_unusable_password()
        else:
            user.set_password(password)
        user.save()
        return user

    @factory.post_generation
    def groups(self: Any, create: bool, names: list[str] | None, **kwargs: Any) -> None:
        """Join groups by name."""
        for name in names or ():
            group = models.Group.objects.filter(name_key=models.user.canonical(name)).first()
            self.groups.add(group or GroupFactory(name=name))


class ApplicationFactory(DjangoModelFactory):
    """An application without its protocol half: see ClientFactory, ServiceProviderFactory."""

    class Meta:
        model = models.Application

    name = factory.Sequence(lambda number: f"Application {number}")


class ResourceFactory(DjangoModelFactory):
    """An API; `scopes=["read"]` gives it scopes."""

    class Meta:
        model = models.Resource
        skip_postgeneration_save = True

    name = factory.Sequence(lambda number: f"API {number}")
    identifier = factory.Sequence(lambda number: f"https://api{number}.example")

    @factory.post_generation
    def scopes(self: Any, create: bool, names: list[str] | None, **kwargs: Any) -> None:
        """Add scopes by name."""
        for name in names or ():
            models.ResourceScope.objects.create(resource=self, name=name, description=f"do {name}")


class ClientFactory(DjangoModelFactory):
    """A confidential web application; its secret is `client.secret` (the row keeps the hash).

    `public=True`: no secret, method `none`.
    """

    class Meta:
        model = models.Client

    class Params:
        public = factory.Trait(token_endpoint_auth_method="none")

    application = factory.SubFactory(ApplicationFactory)
    client_id = factory.Sequence(lambda number: f"client-{number}-{secrets.token_hex(4)}")
    token_endpoint_auth_method = "client_secret_basic"
    redirect_uris = factory.List(["https://application.example/callback"])
    grant_types = factory.List(["authorization_code", "refresh_token"])
    response_types = factory.List(["code"])

    @classmethod
    def _create(cls, model_class: type[models.Client], *args: Any, **fields: Any) -> models.Client:
        has_secret = fields["token_endpoint_auth_method"].startswith("client_secret_")
        secret = secrets.token_urlsafe(32) if has_secret else ""
        if secret:
            fields.setdefault("secret_hash", hashlib.sha256(secret.encode()).digest())
            fields.setdefault("secret_created_at", timezone.now())
        client: models.Client = super()._create(model_class, *args, **fields)
        client.secret = secret  # type: ignore[attr-defined]
        return client


class ServiceProviderFactory(DjangoModelFactory):
    """A SAML service provider with one POST address and no keys."""

    class Meta:
        model = ServiceProvider

    application = factory.SubFactory(ApplicationFactory, kind=models.Application.Kind.SAML)
    entity_id = factory.Sequence(lambda number: f"https://sp{number}.example/metadata")
    slug = factory.LazyFunction(lambda: secrets.token_hex(8))
    assertion_consumer_services = factory.LazyAttribute(
        lambda provider: [
            {
                "url": provider.entity_id.replace("/metadata", "/acs"),
                "binding": "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST",
                "index": 0,
                "is_default": True,
            }
        ]
    )


class SessionFactory(DjangoModelFactory):
    """A session that began now; its cookie value is `session.token`."""

    class Meta:
        model = models.Session

    user = factory.SubFactory(UserFactory)
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=7))
    amr = factory.List(["pwd"])

    @classmethod
    def _create(
        cls, model_class: type[models.Session], *args: Any, **fields: Any
    ) -> models.Session:
        token = secrets.token_urlsafe(32)
        fields.setdefault("token_hash", hashlib.sha256(token.encode()).digest())
        session: models.Session = super()._create(model_class, *args, **fields)
        session.token = token  # type: ignore[attr-defined]
        return session
