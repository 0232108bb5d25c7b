"""The preview on pages: what the form asks for, the panel beside the rows, the answer to typing.

The panel's inputs are part of the form they stand in, so that one press of *Preview* works without
a script; the script posts the same form to `PreviewView` and puts the answer into the panel.
"""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from idp import models
from idp.accounts import access
from idp.admin import halves, impact, preview
from idp.admin.mapping_rows import PREFIX, Draft, Rows, drafts
from idp.admin.preview import Case, Target
from idp.admin_site import site
from idp.claims import applications, attributes, mapping
from idp.protocol import scope as scope_syntax

MACHINE = "machine"
MOST_OFFERED = 50
NAMES_KEPT_SECONDS = 60.0
SLOW_SECONDS = 0.25


@dataclass(frozen=True)
class Choice:
    """What was asked for in the panel: target, person (as typed), scopes, API."""

    target: Target
    who: str
    user: models.User | None
    scopes: tuple[str, ...]
    resource: str
    error: str = ""


def scopes_offered(half: Any) -> tuple[str, ...]:
    """The scopes that can be ticked; SAML has none, a machine none that is about a person."""
    from idp.admin import preview_tokens

    if not isinstance(half, models.Client):
        return ()
    offered = preview_tokens.scopes_of(half)
    if half.application.kind != models.Application.Kind.MACHINE:
        return offered
    return tuple(one for one in offered if one not in scope_syntax.OPENID_SCOPES)


def read(request: HttpRequest, half: Any) -> Choice:
    """What the panel's inputs say; what is missing is filled in sensibly."""
    data = request.POST
    offered = preview.targets(half.application)
    target = next((t for t in offered if t.name == data.get("preview-target")), offered[0])
    granted = scopes_offered(half)
    if "preview-target" in data:
        granted = tuple(scope for scope in granted if scope in data.getlist("preview-scope"))
    else:
        granted = tuple(scope for scope in granted if scope != "offline_access")
    who, user, error = _who(request, half)
    return Choice(target, who, user, granted, data.get("preview-resource", ""), error)


def _who(request: HttpRequest, half: Any) -> tuple[str, models.User | None, str]:
    typed = request.POST.get("preview-person")
    if typed is None:
        if half.application.kind == models.Application.Kind.MACHINE:
            return MACHINE, None, ""
        somebody = _somebody(request, half.application)
        return somebody.username, somebody, ""
    typed = typed.strip()[:300]
    if typed.lower() == MACHINE:
        return MACHINE, None, ""
    user = models.User.objects.by_login(typed)
    return typed, user, "" if user else f"Nobody is known as “{typed}”."


def _somebody(request: HttpRequest, application: models.Application) -> models.User:
    """Somebody who uses the application, else the first who is no administrator, else you."""
    uses = models.Participant.objects.filter(application=application).select_related(
        "session__user"
    )
    found = uses.order_by()[:1]
    if found:
        return found[0].session.user
    person = models.User.objects.filter(is_active=True, is_superuser=False).first()
    return person or request.user  # type: ignore[return-value]


def case(choice: Choice, half: Any, rows: Any) -> Case:
    """The case of a choice, with one half and one set of rows."""
    known = _resources(half)
    return Case(
        half=half,
        rows=tuple(rows),
        user=choice.user,
        now=timezone.now().replace(microsecond=0),
        scopes=choice.scopes,
        resources=(choice.resource,) if choice.resource in known else (),
    )


def _resources(half: Any) -> dict[str, str]:
    if not isinstance(half, models.Client):
        return {}
    return {resource.identifier: resource.name for resource in half.resources.all()}


def compute(
    request: HttpRequest, half: Any, *, drafted_half: Any, draft: Draft, seconds: float
) -> dict[str, Any]:
    """Everything that the panel shows for the rows as they stand."""
    choice = read(request, half)
    context: dict[str, Any] = {"choice": choice, "problems": draft.problems}
    if choice.error:
        return context
    saved_rows = applications.rows(half.application)
    saved = case(choice, half, saved_rows)
    drafted = case(choice, drafted_half, draft.rows)
    result = preview.run(choice.target, drafted, saved=saved)
    context |= {
        "result": result,
        "remarks": _remarks(draft),
        "access": _access_words(choice.user, half.application),
    }
    if result.shown is not None:
        context["budget"] = preview.budget_words(result.shown.size)
    if choice.user is not None:
        found = impact.of(choice.target, drafted, saved, seconds=seconds)
        context["impact"] = found
        if found.worst_shown is not None:
            context["worst_budget"] = preview.budget_words(found.worst_shown.size)
    return context


def _remarks(draft: Draft) -> list[str]:
    named = [row for row in draft.rows if row.attributes]
    if not named:
        return []
    known = attribute_names()
    return [remark for row in named for remark in mapping.remarks(row, attributes=known)]


def attribute_names() -> tuple[str, ...]:
    """The custom attributes that anybody has; looked up anew at most once a minute.

    Every person has to be read for it, and a preview follows every key that is pressed.
    """
    global _names
    now = time.monotonic()
    if _names is None or now - _names[0] > NAMES_KEPT_SECONDS:
        started = time.monotonic()
        found = attributes.names()
        slow = time.monotonic() - started > SLOW_SECONDS
        _names = (now, found) if slow else None
        return found
    return _names[1]


_names: tuple[float, tuple[str, ...]] | None = None

_REFUSALS = {
    "disabled": "The application is disabled: in earnest it would get nothing.",
    "nobody": "The application is open to nobody: in earnest it would get nothing.",
}


def _access_words(user: models.User | None, application: models.Application) -> str:
    if user is None:
        return "" if application.enabled else _REFUSALS["disabled"]
    decision = access.may_use(user, application)
    if decision.allowed:
        return ""
    general = f"{user} may not use this application: in earnest it would get nothing."
    return _REFUSALS.get(decision.reason, general)


def panel(request: HttpRequest, half: Any) -> dict[str, Any]:
    """What the panel's controls offer."""
    people = models.User.objects.filter(is_active=True).values_list("username", flat=True)
    return {
        "preview_targets": preview.targets(half.application),
        "preview_people": list(people[:MOST_OFFERED]),
        "preview_scopes": scopes_offered(half),
        "preview_resources": _resources(half).items(),
        "preview_machine": any(t.machines for t in preview.targets(half.application)),
    }


def load_half(application_id: Any) -> Any:
    """An application's half with everything that a release reads, rows included."""
    for find in halves.finders():
        half = find(application_id)
        if half is not None:
            return half
    raise Http404


def preview_view(request: HttpRequest, application_id: Any) -> HttpResponse:
    """Answer the script: the result for a posted, unsaved form."""
    if request.method != "POST":
        raise Http404
    half = load_half(application_id)
    # The formset writes to its instance; the saved one is compared with.
    formset = Rows(request.POST, instance=copy.copy(half.application), prefix=PREFIX)
    context = compute(
        request,
        half,
        drafted_half=halves.drafted(half, request.POST),
        draft=drafts(formset),
        seconds=impact.SECONDS,
    )
    return render(request, "admin/preview/result.html", context)


site.add_page("preview/<uuid:application_id>/", preview_view, name="preview")
