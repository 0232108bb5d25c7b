"""My applications, and who I am here."""

from __future__ import annotations

from django.http import HttpResponseBase

from idp.accounts import access
from idp.accounts.middleware import Request
from idp.accounts.views import facts
from idp.accounts.views.account import frame
from idp.models import Application, Session


@frame.signed_in("GET")
def index(request: Request, session: Session) -> HttpResponseBase:
    """The launcher."""
    user = session.user
    groups = sorted(user.groups.values_list("name", flat=True))
    return frame.show(
        request,
        session,
        "index",
        page="applications",
        person={**facts.person(user), "groups": groups},
        applications=[
            {**(facts.application(row) or {}), "launch_url": facts.start_url(row)}
            for row in access.usable(user, _startable())
        ],
    )


def _startable() -> list[Application]:
    """Every application that people use; machines have no people."""
    people_use = Application.objects.filter(enabled=True).exclude(kind=Application.Kind.MACHINE)
    started = people_use.defer("logo").select_related("client")
    return list(started.prefetch_related("allowed_groups"))
