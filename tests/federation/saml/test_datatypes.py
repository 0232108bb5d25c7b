"""Times, flags, durations and identifiers of SAML."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from federation.saml import datatypes, errors


@pytest.mark.standard("SAML Core", "1.3.4", "identifiers are random, at least 128 bits")
def test_identifiers_are_ncnames_and_random() -> None:
    made = {datatypes.new_id() for _ in range(1_000)}
    assert len(made) == 1_000
    assert all(datatypes.is_ncname(one) and one.startswith("_") for one in made)
    assert min(map(len, made)) >= 1 + 128 // 4


@pytest.mark.parametrize("value", ["", "1a", "a b", "a:b", "-a", ".a", "a\n", "\u00b7", "a'"])
def test_refuses_what_is_no_ncname(value: str) -> None:
    assert not datatypes.is_ncname(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("true", True), ("1", True), ("false", False), ("0", False), (" true\n", True), (None, False)],
)
def test_reads_booleans(value: str | None, expected: bool) -> None:
    assert datatypes.boolean(value) is expected


@pytest.mark.parametrize("value", ["", "True", "yes", "2", "\u00a0true"])
def test_refuses_other_booleans(value: str) -> None:
    with pytest.raises(errors.InvalidMessage):
        datatypes.boolean(value)


@pytest.mark.standard("SAML Core", "1.3.3", "times are UTC")
@pytest.mark.parametrize(
    ("value", "microseconds"),
    [
        ("2026-11-24T12:00:00Z", 0),
        (" 2026-11-24T12:00:00Z\n", 0),
        ("2026-11-24T12:00:00", 0),
        ("2026-11-24T13:00:00+01:00", 0),
        ("2026-11-24T12:00:00.5Z", 500_000),
        ("2026-11-24T12:00:00.123Z", 123_000),
        ("2026-11-24T12:00:00.1234567899Z", 123_456),
    ],
)
def test_reads_instants(value: str, microseconds: int) -> None:
    expected = datetime(2026, 11, 24, 12, 0, 0, microseconds, tzinfo=UTC)
    assert datatypes.instant(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        "2026-11-24",
        "2026-11-24 12:00:00Z",
        "2026-13-24T12:00:00Z",
        "2026-11-24T25:00:00Z",
        "2026-11-24T12:00:00.Z",
        "-2026-11-24T12:00:00Z",
        "\u0662026-11-24T12:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "2026-11-24T12:00:00+99:00",
    ],
)
def test_refuses_other_instants(value: str) -> None:
    with pytest.raises(errors.InvalidMessage):
        datatypes.instant(value)


def test_writes_instants_in_utc_and_whole_seconds() -> None:
    berlin = timezone(timedelta(hours=1))
    value = datetime(2026, 11, 24, 13, 0, 0, 999_999, tzinfo=berlin)
    assert datatypes.format_instant(value) == "2026-11-24T12:00:00Z"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("P1D", timedelta(days=1)),
        ("PT1H", timedelta(hours=1)),
        (" P1D\n", timedelta(days=1)),
        ("PT604800S", timedelta(days=7)),
        ("P1Y2M3DT4H5M6.5S", timedelta(days=428, hours=4, minutes=5, seconds=6)),
    ],
)
def test_reads_durations(value: str, expected: timedelta) -> None:
    assert datatypes.duration(value) == expected


@pytest.mark.parametrize("value", ["", "P", "PT", "1D", "-P1D", "P1.5D", "P1Dx", "P999999999Y"])
def test_refuses_other_durations(value: str) -> None:
    with pytest.raises(errors.InvalidMessage):
        datatypes.duration(value)


def test_writes_durations() -> None:
    assert datatypes.format_duration(timedelta(hours=6)) == "PT21600S"
    assert datatypes.duration(datatypes.format_duration(timedelta(days=7))) == timedelta(days=7)
