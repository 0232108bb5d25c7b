"""Note what was refused in the audit trail: at once, but never more than a disk can bear.

A refusal is durable before it is answered. Strangers can cause any number of them, so each address
range and each client has a bucket for every kind of refusal, and all together have one; what
overflows is logged and not written. Buckets are deep and run down slowly: whoever debugs an
application, or tries a list of attacks, finds every reference again.
Answers to silent questions (`prompt=none`, IsPassive) are ordinary and many: those are buffered,
and counted in each process alone, without a statement for each.
What ends something (a replayed code or refresh token) is recorded apart and always.
"""

from __future__ import annotations

import ipaddress
import time
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.utils import timezone

from idp import audit, throttling
from idp.models import Client, User
from idp.protocol.errors import ProtocolError
from idp.protocol.message import Request

log = structlog.get_logger("gatehouse.refusals")

PER = timedelta(minutes=10)
MOST_OF_ONE = 600
MOST_OF_ALL = 3000
MOST_SILENCED = 10_000
_IPV4_PREFIX, _IPV6_PREFIX = 24, 64

_silenced: dict[str, float] = {}
_asked: dict[str, tuple[float, int]] = {}


def record(
    action: str,
    error: ProtocolError,
    request: Request,
    *,
    client: Client | None = None,
    authenticated: bool = False,
    **facts: Any,
) -> bool:
    """Write one refusal to the audit trail; False where it was one too many.

    `authenticated`: whether the request really came from `client`, which then has a bucket of its
    own; otherwise the address range has.
    """
    source = client.client_id if client and authenticated else address_range(request.client_address)
    if not is_bearable(action, source):
        return False
    audit.record(
        action,
        result="failure",
        reason=f"{error.error}: {error.detail or error.description}",
        application=client.application if client else None,
        request=request,
        **facts,
    )
    return True


def is_bearable(action: str, source: str) -> bool:
    """Whether one more refusal of this kind and from this source may be written now."""
    now = timezone.now()
    return _take(action, source, limit=MOST_OF_ONE, now=now) and _take(
        "", "", limit=MOST_OF_ALL, now=now
    )


def buffer(action: str, *, request: audit.Origin, user: User | None, **facts: Any) -> None:
    """Note that a silent question was answered by no; within bounds where nobody is signed in."""
    source = address_range(request.client_address)
    if user is not None or (
        _is_one_of(MOST_OF_ONE, action, source) and _is_one_of(MOST_OF_ALL, "", "")
    ):
        audit.buffer(action, request=request, user=user, **facts)


def _is_one_of(limit: int, action: str, source: str) -> bool:
    """Whether this is one of the first `limit` within PER, in this process."""
    bucket, now = f"{action} {source}", time.monotonic()
    begun, number = _asked.get(bucket, (now, 0))
    if now - begun >= PER.total_seconds():
        begun, number = now, 0
    if bucket not in _asked and len(_asked) >= MOST_SILENCED:
        _asked.clear()
    _asked[bucket] = begun, number + 1
    if number == limit:
        log.warning("refusals_not_written", action=action or "all", source=source or "all")
    return number < limit


def address_range(address: str) -> str:
    """The network that one party can be expected to hold all of."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    prefix = _IPV4_PREFIX if parsed.version == 4 else _IPV6_PREFIX
    return str(ipaddress.ip_network(f"{parsed}/{prefix}", strict=False))


def _take(action: str, source: str, *, limit: int, now: datetime) -> bool:
    bucket = throttling.key("refusals", action, source)
    if _silenced.get(bucket, 0.0) > time.monotonic():
        return False
    wait = throttling.take(bucket, limit=limit, per=PER, now=now)
    if wait is None:
        return True
    if len(_silenced) >= MOST_SILENCED:
        _silenced.clear()
    _silenced[bucket] = time.monotonic() + wait.total_seconds()
    log.warning(
        "refusals_not_written",
        action=action or "all",
        source=source or "all",
        seconds=wait.total_seconds(),
    )
    return False
