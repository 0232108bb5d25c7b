"""One module per protocol endpoint, named by its metadata key; each brings a `FEATURE`.

Endpoints parse, call and render; they own no rules.
"""

from __future__ import annotations


def register_all() -> None:
    """Register every endpoint's feature; called once while the applications start."""
    from idp import features
    from idp.authorization import continuation
    from idp.endpoints import (
        authorization,
        check_session_iframe,
        client_configuration,
        discovery,
        end_session,
        introspection,
        jwks,
        registration,
        revocation,
        token,
        userinfo,
    )

    for endpoint in (
        authorization,
        token,
        userinfo,
        jwks,
        revocation,
        introspection,
        end_session,
        registration,
        client_configuration,
        check_session_iframe,
        discovery,
    ):
        features.register(endpoint.FEATURE)
    continuation.install()
