"""The LogoutRequest that tells a service provider of a session's end (SAML Core §3.7.1)."""

from __future__ import annotations

from datetime import datetime, timedelta

from federation.identity_provider import entity
from federation.identity_provider.single_logout import matching
from federation.models import ServiceProvider
from federation.saml import logout, xml
from federation.saml.logout import OutgoingRequest
from idp.models import LogoutNotification

# Long enough for clocks that differ; what comes later has been sent again.
LIFETIME = timedelta(minutes=5)


def request(
    notice: LogoutNotification,
    row: ServiceProvider,
    *,
    request_id: str,
    destination: str,
    now: datetime,
) -> xml.Element:
    """The request, with name and index as the assertion had them. Raises InvalidContent."""
    return logout.build_request(
        OutgoingRequest(
            id=request_id,
            issuer=entity.entity_id(),
            destination=destination,
            issue_instant=now,
            not_on_or_after=now + LIFETIME,
            name_id=matching.name_of(notice.name_id, notice.name_id_format, row.entity_id),
            session_index=notice.sid.hex,
        )
    )
