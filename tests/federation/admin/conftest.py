"""An administrator's browser."""

from tests.support.administration import admin_user, browser, browser_of  # noqa: F401 (fixtures)
