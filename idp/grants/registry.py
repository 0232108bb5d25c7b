"""The grants that exist, by registered value: for dispatch, discovery and choices."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from idp.grants import authorization_code, client_credentials, refresh_token
from idp.grants.request import TokenRequest
from idp.tokens.issuance import Authorization

Grant = Callable[[TokenRequest], Authorization]

GRANTS: Mapping[str, Grant] = {
    str(module.NAME): module.authorize
    for module in (authorization_code, refresh_token, client_credentials)
}
