"""My applications, and who I am here."""

from __future__ import annotations

from django.db.models import Q
from django.http import HttpResponseBase

from idp.accounts import access
from idp.accounts.middleware import Request
from idp.accounts.views import facts
from idp.accounts.views.account import frame
from idp.models import Application, Consent, Session, User


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
            for row in access.usable(user, _startable(user))
        ],
    )


def _startable(user: User) -> list[Application]:
    """Every application that people use; machines have no people.

    One that registered itself only if an administrator has said whom it is for, or this person has
    used it: nobody puts a link on everybody's page by registering a client.
    """
    people_use = Application.objects.filter(enabled=True).exclude(kind=Application.Kind.MACHINE)
    vouched = ~Q(origin=Application.Origin.DYNAMIC) | Q(first_party=True)
    chosen = Q(access=Application.Access.GROUPS)
    used = Q(pk__in=Consent.objects.filter(user=user).values("application"))
    started = people_use.filter(vouched | chosen | used).defer("logo").select_related("client")
    return list(started.prefetch_related("allowed_groups"))
