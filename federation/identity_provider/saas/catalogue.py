"""All templates, by name; found by a word."""

from __future__ import annotations

from federation.identity_provider.saas import (
    atlassian,
    aws_iam_identity_center,
    github,
    google_workspace,
    microsoft_365,
    salesforce,
    servicenow,
    slack,
    zendesk,
    zoom,
)
from federation.identity_provider.saas.template import Template

TEMPLATES: tuple[Template, ...] = (
    atlassian.TEMPLATE,
    aws_iam_identity_center.TEMPLATE,
    github.ORGANIZATION,
    github.ENTERPRISE,
    github.SERVER,
    google_workspace.TEMPLATE,
    microsoft_365.TEMPLATE,
    salesforce.TEMPLATE,
    servicenow.TEMPLATE,
    slack.TEMPLATE,
    zendesk.TEMPLATE,
    zoom.TEMPLATE,
)
_BY_VALUE = {one.value: one for one in TEMPLATES}


def find(value: str) -> Template | None:
    """The template of this name."""
    return _BY_VALUE.get(value)


def search(words: str) -> tuple[Template, ...]:
    """The templates whose title holds every word, however it is written."""
    wanted = words.casefold().split()
    return tuple(one for one in TEMPLATES if all(word in one.title.casefold() for word in wanted))
