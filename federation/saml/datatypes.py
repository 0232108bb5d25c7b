"""The common data types of SAML as Python values (SAML Core §1.3): times, flags, identifiers."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime, timedelta

from federation.saml import errors

ID_BYTES = 20
MAX_FRACTION_DIGITS = 6
WHITE_SPACE = " \t\r\n"

# NCName of Namespaces in XML 1.0, written out; `\w` is another set.
_START = (
    "A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d"
    "\u2070-\u218f\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_NCNAME = re.compile(rf"[{_START}][{_START}0-9.\-\u00b7\u0300-\u036f\u203f-\u2040]*")

_DATE_TIME = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,20}))?(Z|[+-]\d\d:\d\d)?", re.ASCII
)
_DURATION = re.compile(
    r"P(?:(\d{1,9})Y)?(?:(\d{1,9})M)?(?:(\d{1,9})D)?"
    r"(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})(?:\.\d{1,9})?S)?)?",
    re.ASCII,
)
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def new_id() -> str:
    """Return a fresh message or assertion ID: an NCName with 160 random bits (SAML Core §1.3.4)."""
    return "_" + secrets.token_hex(ID_BYTES)


def is_ncname(value: str) -> bool:
    """Tell whether `value` can be an ID (Namespaces in XML §3)."""
    return _NCNAME.fullmatch(value) is not None


def boolean(value: str | None, *, default: bool = False) -> bool:
    """Return an xs:boolean, `default` if the attribute is missing. Raises InvalidMessage."""
    if value is None:
        return default
    known = _BOOLEANS.get(value.strip(WHITE_SPACE))
    if known is None:
        raise errors.InvalidMessage("boolean", f"{value!r} is not an xs:boolean")
    return known


def instant(value: str) -> datetime:
    """Return an xs:dateTime as an aware datetime; without a zone it is UTC (SAML Core §1.3.3).

    Fractions beyond microseconds are cut off. Raises InvalidMessage.
    """
    found = _DATE_TIME.fullmatch(value.strip(WHITE_SPACE))
    if found is None:
        raise errors.InvalidMessage("instant", f"{value!r} is not an xs:dateTime")
    seconds, fraction, zone = found.groups()
    digits = (fraction or "0")[:MAX_FRACTION_DIGITS]
    try:
        parsed = datetime.fromisoformat(f"{seconds}.{digits:<06}{(zone or 'Z')}")
        return parsed.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise errors.InvalidMessage("instant", f"{value!r} is not an xs:dateTime") from error


def format_instant(value: datetime) -> str:
    """Return an aware datetime as SAML writes it: UTC, whole seconds, Z (SAML Core §1.3.3)."""
    return value.astimezone(UTC).isoformat(timespec="seconds").removesuffix("+00:00") + "Z"


def duration(value: str) -> timedelta:
    """Return an xs:duration; a year counts 365 days, a month 30. Raises InvalidMessage."""
    found = _DURATION.fullmatch(value.strip(WHITE_SPACE))
    if found is None or not any(found.groups()):
        raise errors.InvalidMessage("duration", f"{value!r} is not an xs:duration")
    years, months, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    try:
        return timedelta(
            days=years * 365 + months * 30 + days, hours=hours, minutes=minutes, seconds=seconds
        )
    except OverflowError as error:
        raise errors.InvalidMessage("duration", f"{value!r} is out of range") from error


def format_duration(value: timedelta) -> str:
    """Return a duration of whole seconds as an xs:duration."""
    return f"PT{int(value.total_seconds())}S"
