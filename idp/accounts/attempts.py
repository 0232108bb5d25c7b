"""How often a password may be tried: by whom, from where, for which application.

Strangers share buckets of the account, of their address range (/24, /64) and of the application;
the narrowest is asked first and fills slower than the account's, so that one address range never
uses up what others have. A
browser in which the person has signed in before has a bucket that nobody else can touch: strangers
are slowed and never lock anybody out. Only failures count: a success gives back what it took
itself, and nothing of anybody else's.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from idp import throttling
from idp.models import Application, User
from idp.models.user import canonical


@dataclass(frozen=True, slots=True)
class Limit:
    """`tries` at once, then one in every `per / tries`."""

    scope: str
    tries: int
    per: timedelta


DEVICE = Limit("device", 10, timedelta(minutes=10))
PAIR = Limit("pair", 10, timedelta(minutes=10))
NETWORK = Limit("network", 60, timedelta(minutes=10))
ACCOUNT = Limit("account", 40, timedelta(minutes=20))
APPLICATION = Limit("application", 600, timedelta(minutes=10))
CONFIRMATION = Limit("confirmation", 10, timedelta(minutes=10))
TOLD = Limit("told", 1, timedelta(minutes=1))

Bucket = tuple[Limit, str]


class TooMany(Exception):
    """No more tries for now; `wait` tells for how long, `full` is the key of the full bucket."""

    def __init__(self, wait: timedelta, *, full: str) -> None:
        self.wait = wait
        self.full = full
        super().__init__(f"wait {wait}")


def buckets(
    user: User | None,
    login: str,
    *,
    address: str,
    application: Application | None,
    device: str = "",
) -> list[Bucket]:
    """The buckets of one try. `device`: the cookie of a browser known to this person, else empty.

    Every name of an account leads to the same bucket; a name of nobody has one of its own.
    """
    account = user.pk.hex if user is not None else canonical(login)
    if device:
        return [(DEVICE, throttling.key(DEVICE.scope, account, device))]
    network = address_range(address)
    found = [
        (PAIR, throttling.key(PAIR.scope, account, network)),
        (NETWORK, throttling.key(NETWORK.scope, network)),
        (ACCOUNT, throttling.key(ACCOUNT.scope, account)),
    ]
    if application is not None:
        found.append((APPLICATION, throttling.key(APPLICATION.scope, application.pk.hex)))
    return found


def begin(taken_from: list[Bucket], *, now: datetime) -> None:
    """Count one try in every bucket; where one is full in none of them: raises TooMany."""
    with transaction.atomic():
        for limit, key in taken_from:
            wait = throttling.take(key, limit=limit.tries, per=limit.per, now=now)
            if wait is not None:
                raise TooMany(wait, full=key)


def give_back(taken_from: list[Bucket]) -> None:
    """The try does not count: it was right, or was not made."""
    for limit, key in taken_from:
        throttling.give_back(key, limit=limit.tries, per=limit.per)


def may_tell(refusal: TooMany, *, now: datetime) -> bool:
    """Whether a throttled try is written down: the first of each minute at each full bucket.

    A bucket is full of tries that are written down one by one, so floods stay bearable.
    """
    key = throttling.key(TOLD.scope, refusal.full)
    return throttling.take(key, limit=TOLD.tries, per=TOLD.per, now=now) is None


def address_range(address: str) -> str:
    """The /24 or /64 that an address belongs to; what is no address shares one range."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    length = 24 if parsed.version == 4 else 64
    return str(ipaddress.ip_network((parsed, length), strict=False))


def in_words(wait: timedelta) -> str:
    """A time to wait as a person says it."""
    seconds = max(1, -(-int(wait.total_seconds() * 1000) // 1000))
    if seconds < 60:
        return "1 second" if seconds == 1 else f"{seconds} seconds"
    minutes = -(-seconds // 60)
    return "1 minute" if minutes == 1 else f"{minutes} minutes"
