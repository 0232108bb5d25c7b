"""What the token endpoint hands to a grant: the request after client authentication."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from idp.models import Client
from idp.protocol.errors import InvalidRequest
from idp.protocol.message import Request
from idp.protocol.parameters import Parameters


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A token request of an authenticated client (RFC 6749 §3.2).

    `origin`: where it came from, for the audit trail; never for its parameters.
    """

    client: Client
    parameters: Parameters
    origin: Request

    @property
    def now(self) -> datetime:
        """The instant of the whole request."""
        return self.origin.now

    def required(self, name: str) -> str:
        """Return the value of a parameter that the grant cannot do without (RFC 6749 §5.2)."""
        value = self.parameters.one(name)
        if value is None:
            raise InvalidRequest(f"{name} is missing")
        return value
