"""An administrator's browser, and a federation that publishes metadata."""

from tests.support.administration import admin_user, browser, browser_of  # noqa: F401 (fixtures)
from tests.support.metadata import at_once, federation  # noqa: F401 (fixtures)
