"""Words that administrators read in lists and templates: states in colour and text, times twice."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

register = template.Library()

NOTHING = "\N{EN DASH}"


@register.simple_tag
def when(moment: datetime | None, never: str = "never") -> SafeString | str:
    """How long ago (or until) in words; the exact instant on hover and for machines."""
    if moment is None:
        return never
    now = timezone.now()
    first = timesince(moment, now, depth=1) if moment <= now else timesince(now, moment, depth=1)
    words = f"{first} ago" if moment <= now else f"in {first}"
    if abs((now - moment).total_seconds()) < 60:
        words = "just now" if moment <= now else "in a moment"
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>',
        moment.isoformat(timespec="seconds"),
        moment.strftime("%Y-%m-%d %H:%M:%S"),
        words,
    )


@register.simple_tag
def due(moment: datetime) -> SafeString | str:
    """When something comes; what is due already comes any moment."""
    return when(moment) if moment > timezone.now() else "in a moment"


@register.simple_tag
def state(word: str, tone: str = "") -> SafeString:
    """A state as a coloured word; `tone`: good, warn, bad or none."""
    return format_html('<span class="state {}">{}</span>', tone, word)


def counted(number: int, noun: str) -> str:
    """A number with its noun: 1 session, 2 sessions."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


@register.filter
def lasting(span: timedelta) -> str:
    """How long, in words: 1 hour, 10 minutes."""
    now = timezone.now()
    return timesince(now - span, now)


@register.filter
def pretty(value: Any) -> str:
    """JSON for people."""
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=False)
