"""The order of the matrix."""

from __future__ import annotations

from tests.support import standards


def row(name: str, section: str, test: str = "test_a") -> standards.Row:
    return name, section, "", test, "holds"


def test_orders_numbers_as_numbers_and_any_sections() -> None:
    rows = [
        row("RFC 7636", ""),
        row("RFC 7636", "4.6"),
        row("RFC 7636", "4.10"),
        row("RFC 7636", "4.10", "test_b"),
        row("RFC 7636", "A.1"),
        row("RFC 8414", "2"),
        row("SAML Core", "3"),
        row("SAML Core", "3.4.1"),
    ]
    assert sorted(reversed(rows), key=standards.order) == rows
