"""Note what was refused in the audit trail: at once, but never more than a disk can bear.

A refusal is durable before it is answered. Strangers can cause any number of them, so each address
range, each client and all together have a bucket; what overflows is counted and not written.
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
from idp.models import Client
from idp.protocol.errors import ProtocolError
from idp.protocol.message import Request

log = structlog.get_logger("gatehouse.refusals")

PER = timedelta(minutes=1)
MOST_OF_ONE = 60
MOST_OF_ALL = 600
MOST_SILENCED = 10_000
_IPV4_PREFIX, _IPV6_PREFIX = 24, 64

_silenced: dict[str, float] = {}


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
    if not is_bearable(source):
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


def is_bearable(source: str) -> bool:
    """Whether one more refusal from this source may be written now."""
    now = timezone.now()
    return _take(source, limit=MOST_OF_ONE, now=now) and _take("", limit=MOST_OF_ALL, now=now)


def address_range(address: str) -> str:
    """The network that one party can be expected to hold all of."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    prefix = _IPV4_PREFIX if parsed.version == 4 else _IPV6_PREFIX
    return str(ipaddress.ip_network(f"{parsed}/{prefix}", strict=False))


def _take(source: str, *, limit: int, now: datetime) -> bool:
    bucket = throttling.key("refusals", source)
    if _silenced.get(bucket, 0.0) > time.monotonic():
        return False
    wait = throttling.take(bucket, limit=limit, per=PER, now=now)
    if wait is None:
        return True
    if len(_silenced) >= MOST_SILENCED:
        _silenced.clear()
    _silenced[bucket] = time.monotonic() + wait.total_seconds()
    log.warning("refusals_not_written", source=source or "all", seconds=wait.total_seconds())
    return False
