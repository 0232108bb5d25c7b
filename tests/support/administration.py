"""An administrator's browser in this process. A conftest that wants the fixtures imports them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.test import Client as Browser

from idp import audit, models
from idp.admin import preview_pages
from tests.support import protocol
from tests.support.factories import SessionFactory, UserFactory


@pytest.fixture
def admin_user(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[models.User]:
    """An administrator, and signing keys; what is audited is there at once."""
    monkeypatch.setattr(preview_pages, "_names", None)
    protocol.restore_keys()
    audit.write_through(enabled=True)
    yield UserFactory(username="root", given_name="Ruth", is_superuser=True)
    audit.write_through(enabled=False)


@pytest.fixture
def browser_of() -> Callable[[models.User], Browser]:
    """A browser in which somebody is signed in."""

    def open_(user: models.User) -> Browser:
        browser = Browser()
        browser.session_row = SessionFactory(user=user)
        browser.cookies["gatehouse_session"] = browser.session_row.token
        return browser

    return open_


@pytest.fixture
def browser(admin_user: models.User, browser_of: Callable[[models.User], Browser]) -> Browser:
    """The administrator's browser."""
    return browser_of(admin_user)
