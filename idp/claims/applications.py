"""The application's side of a release, read from its rows: what it may ask for, its mapping.

Parsed once for each instance that the directory keeps, and thrown away with it.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Sequence

from idp import models
from idp.claims import mapping
from idp.claims.facts import ApplicationFacts
from idp.claims.mapping import Row
from idp.protocol import scope as scope_syntax

_ROWS, _FACTS = "_claim_rows", "_claim_facts"


def rows(application: models.Application) -> tuple[Row, ...]:
    """The saved mapping rows in their order; one that is no longer valid denies its claim.

    Kept with the instance if its mappings were read together with it, as the directory does.
    """
    kept: tuple[Row, ...] | None = application.__dict__.get(_ROWS)
    if kept is not None:
        return kept
    parsed = mapping.stored_rows(application.mappings.all())
    if "mappings" in getattr(application, "_prefetched_objects_cache", {}):
        application.__dict__[_ROWS] = parsed
    return parsed


def with_rows(application: models.Application, drafted: Sequence[Row]) -> models.Application:
    """A copy of the application with these rows in place of the saved ones: for previews."""
    drawn = copy.copy(application)
    drawn.__dict__[_ROWS] = tuple(drafted)
    return drawn


def of_client(client: models.Client) -> ApplicationFacts:
    """The facts of an OAuth client; kept with the instance if its resources were read with it."""
    kept: ApplicationFacts | None = client.__dict__.get(_FACTS)
    if kept is not None:
        return kept
    facts = _facts(
        client.application,
        identifier=client.client_id,
        scopes=client.scope.split() or _every_scope(client),
        id_token_scope_claims=client.id_token_scope_claims,
    )
    if "resources" in getattr(client, "_prefetched_objects_cache", {}):
        client.__dict__[_FACTS] = facts
    return facts


def of_service_provider(application: models.Application, *, entity_id: str) -> ApplicationFacts:
    """The facts of a SAML service provider, which has no scopes."""
    return _facts(application, identifier=entity_id)


def _facts(
    application: models.Application,
    *,
    identifier: str,
    scopes: Collection[str] = (),
    id_token_scope_claims: bool = False,
) -> ApplicationFacts:
    return ApplicationFacts(
        id=identifier,
        name=application.name,
        kind=application.kind,
        profile=application.profile,
        scopes=frozenset(scopes),
        id_token_scope_claims=id_token_scope_claims,
    )


def _every_scope(client: models.Client) -> Collection[str]:
    own = (one.name for resource in client.resources.all() for one in resource.scopes.all())
    return {*scope_syntax.OPENID_SCOPES, *own}
