"""What a client may ask for at all: its APIs and scopes, and what a token of them is for.

RFC 8707 §2, RFC 9068 §2.2.3 and §3. Computed once for each version of the configuration.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings

from idp import directory
from idp.claims import applications
from idp.models import Client
from idp.protocol import resource_indicator
from idp.protocol import scope as scopes
from idp.protocol.errors import InvalidTarget


@dataclass(frozen=True, slots=True)
class Entitlement:
    """`scopes`: all that it may ask for; `resources`: its APIs with their scopes.

    `default_scope`: what the scope parameter stands for where it is left out: the scopes that were
    registered for the client, without those that need a person (RFC 6749 §3.3).
    """

    scopes: frozenset[str]
    resources: Mapping[str, frozenset[str]]
    default_scope: tuple[str, ...]


def of(client: Client) -> Entitlement:
    """The entitlement of a client out of the directory."""
    key = ("entitlement", client.client_id)
    return directory.cached(key, lambda: _compute(client), of=client)


def _compute(client: Client) -> Entitlement:
    resources = {
        resource.identifier: frozenset(scope.name for scope in resource.scopes.all())
        for resource in client.resources.all()
    }
    known = frozenset(scopes.OPENID_SCOPES).union(*resources.values())
    allowed = known & frozenset(applications.of_client(client).scopes)
    registered = (one for one in client.scope.split() if one in allowed)
    default = tuple(one for one in registered if one not in scopes.OPENID_SCOPES)
    return Entitlement(allowed, resources, default)


def resources(client: Client, values: Sequence[str]) -> tuple[str, ...]:
    """The APIs of a resource parameter. Raises InvalidTarget for one that is not the client's.

    The issuer itself may be named too: it is the audience of UserInfo.
    """
    requested = resource_indicator.parse(values)
    for one in requested:
        if one not in of(client).resources and one != settings.IDP.issuer:
            raise InvalidTarget(f"resource {one[:200]} is not one that this client may use")
    return requested


def narrowed(
    requested: tuple[str, ...], *, granted: Sequence[str], scope: Sequence[str]
) -> tuple[str, ...]:
    """The APIs of one access token: those requested now, else those granted (RFC 8707 §2.2).

    Where the authorization request named none, any API of the client may be named now: the granted
    scopes are the bound. UserInfo goes with `openid`. Raises InvalidTarget.
    """
    if not requested or not granted:
        return requested or tuple(granted)
    implied = (settings.IDP.issuer,) if scopes.OPENID in scope else ()
    return resource_indicator.narrowed(requested, (*granted, *implied))


def audience(requested: tuple[str, ...]) -> tuple[str, ...]:
    """Whom a token is for: the requested APIs, else ourselves, which means UserInfo."""
    return requested or (settings.IDP.issuer,)


def meaningful(
    client: Client, granted: Sequence[str], *, audience: Collection[str]
) -> tuple[str, ...]:
    """The scopes that mean something to this audience (RFC 9068 §2.2.3).

    A token for ourselves alone keeps all of them: no API was named that they could be meant for.
    """
    issuer = settings.IDP.issuer
    if tuple(audience) == (issuer,):
        return tuple(granted)
    known = of(client).resources
    allowed = frozenset().union(*(known.get(one, frozenset()) for one in audience))
    if issuer in audience:
        allowed |= frozenset(scopes.OPENID_SCOPES)
    return scopes.within(granted, allowed)
