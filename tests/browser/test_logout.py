"""Sign-out in Chromium: frames of applications, and the frame that tells them of a change."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from idp.protocol import session_state
from tests.support import receiver as behaviours
from tests.support.browser import Visitor
from tests.support.receiver import Received, Receiver
from tests.support.server import Gatehouse

CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
ASK = """([message, origin]) => new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error('no answer')), 20000);
    addEventListener('message', event => resolve([event.data, event.origin]), {once: true});
    document.querySelector('iframe').contentWindow.postMessage(message, origin);
})"""


PAGE = b"<!doctype html><title>An application</title>"


@dataclass
class Two:
    """Two applications of different sites, on one server of theirs."""

    gatehouse: Gatehouse
    server: Receiver
    client_ids: dict[str, str] = field(default_factory=dict)

    def register(self, **metadata: str) -> None:
        """Both listen in the browser."""
        for host in ("localhost", "127.0.0.1"):
            origin = self.server.url("", host=host)
            registered = self.gatehouse.register_client(
                {
                    "client_name": f"Reports on {host}",
                    "redirect_uris": [f"{origin}/callback"],
                    "post_logout_redirect_uris": [f"{origin}/bye"],
                    "frontchannel_logout_uri": f"{origin}/out?kept=1",
                    "token_endpoint_auth_method": "none",
                    "gatehouse_first_party": True,
                    **metadata,
                }
            )
            self.client_ids[origin] = registered["client_id"]

    @property
    def told(self) -> list[Received]:
        """What both were asked at their sign-out addresses."""
        return self.server.at("/out")

    def sign_in(self, visitor: Visitor, person: str) -> None:
        """Somebody comes to both."""
        for origin, client_id in self.client_ids.items():
            query = urlencode(
                {
                    "response_type": "code",
                    "client_id": client_id,
                    "redirect_uri": f"{origin}/callback",
                    "scope": "openid",
                    "code_challenge": CHALLENGE,
                    "code_challenge_method": "S256",
                }
            )
            visitor.page.goto(self.gatehouse.url(f"/authorize?{query}"))
            if visitor.page.locator("#id_username").count():
                visitor.sign_in(person, self.gatehouse.password)
            visitor.page.wait_for_url(f"{origin}/callback**")

    def sign_out(self, visitor: Visitor) -> None:
        """By the person's own wish."""
        visitor.page.goto(self.gatehouse.url("/logout"))
        visitor.page.click("#logout-confirm")


@pytest.fixture(scope="module")
def registered(gatehouse: Gatehouse) -> Iterator[Two]:
    with Receiver(otherwise=behaviours.ok(PAGE, content_type="text/html")) as server:
        two = Two(gatehouse, server)
        two.register()
        yield two


@pytest.fixture
def two(registered: Two) -> Two:
    registered.server.received.clear()
    registered.server.behaviours.clear()
    return registered


@pytest.fixture
def person(gatehouse: Gatehouse) -> str:
    return gatehouse.create_user(f"leaver-{secrets.token_hex(4)}")


def test_applications_are_told_and_the_person_goes_on(
    gatehouse: Gatehouse, visitor: Visitor, two: Two, person: str
) -> None:
    two.sign_in(visitor, person)
    (origin, client_id), _ = two.client_ids.items()
    query = urlencode(
        {"client_id": client_id, "post_logout_redirect_uri": f"{origin}/bye", "state": "s t"}
    )
    visitor.page.goto(gatehouse.url(f"/end_session?{query}"))
    visitor.page.click("#logout-confirm")
    visitor.page.wait_for_url(f"{origin}/bye?state=s%20t")
    hosts = {received.headers["host"] for received in two.told}
    assert hosts == {urlsplit(one).netloc for one in two.client_ids}
    sids = set()
    for received in two.told:
        given = parse_qs(urlsplit(received.path).query)
        assert given.keys() == {"kept", "iss", "sid"}
        assert given["iss"] == [gatehouse.issuer]
        assert "referer" not in received.headers
        sids.add(given["sid"][0])
    assert len(sids) == 2


def test_own_sign_out_shows_who_was_told(
    gatehouse: Gatehouse, visitor: Visitor, two: Two, person: str
) -> None:
    two.sign_in(visitor, person)
    two.sign_out(visitor)
    visitor.page.wait_for_url(gatehouse.url("/logout/done"))
    assert len(two.told) == 2
    assert visitor.page.get_by_text("told in the browser").count() == 2
    visitor.assert_accessible()


def test_one_that_hangs_is_not_waited_for(
    gatehouse: Gatehouse, visitor: Visitor, two: Two, person: str
) -> None:
    two.server.behaviours["/out"] = behaviours.hang(60)
    two.sign_in(visitor, person)
    two.sign_out(visitor)
    visitor.page.wait_for_url(gatehouse.url("/logout/done"))


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_page_with_the_frames(
    gatehouse: Gatehouse,
    visit: Callable[..., Visitor],
    two: Two,
    person: str,
    scheme: str,
    width: int,
) -> None:
    visitor = visit(color_scheme=scheme, viewport={"width": width, "height": 740})
    visitor.context.route("**/logout.js", lambda route: route.fulfill(body=""))
    two.sign_in(visitor, person)
    two.sign_out(visitor)
    page = visitor.page
    page.wait_for_url(gatehouse.url("/logout/applications?**"))
    page.wait_for_load_state("load")
    assert len(two.told) == 2
    visitor.assert_accessible()
    visitor.assert_fits()
    page.locator("#logout-continue").press("Enter")
    page.wait_for_url(gatehouse.url("/logout/done"))


def test_without_scripts_the_person_goes_on(
    gatehouse: Gatehouse, visit: Callable[..., Visitor], two: Two, person: str
) -> None:
    visitor = visit(java_script_enabled=False)
    two.sign_in(visitor, person)
    two.sign_out(visitor)
    visitor.page.wait_for_load_state("load")
    visitor.page.click("#logout-continue")
    visitor.page.wait_for_url(gatehouse.url("/logout/done"))
    assert len(two.told) == 2


class Asking:
    """An application's page with our frame in it."""

    def __init__(self, gatehouse: Gatehouse, visitor: Visitor, server: Receiver) -> None:
        self.gatehouse, self.visitor = gatehouse, visitor
        self.origin = server.url("", host="localhost")
        body = f'<!doctype html><iframe src="{gatehouse.url("/check_session")}"></iframe>'
        server.otherwise = behaviours.ok(body.encode(), content_type="text/html")
        self.page = visitor.context.new_page()

    def session_state(self) -> str:
        """What the application was told when it signed somebody in."""
        cookies = self.visitor.context.cookies(self.gatehouse.issuer)
        (state,) = [one["value"] for one in cookies if one["name"] == "gatehouse_browser_state"]
        return session_state.compute("reports", self.origin, state, "salt")

    def ask(self, message: Any) -> str:
        """What the frame answers."""
        self.page.goto(f"{self.origin}/")
        answer, origin = self.page.evaluate(ASK, [message, self.gatehouse.issuer])
        assert origin == self.gatehouse.issuer
        return str(answer)


@pytest.fixture
def asking(gatehouse: Gatehouse, visitor: Visitor, person: str) -> Iterator[Asking]:
    visitor.page.goto(gatehouse.url("/login"))
    visitor.sign_in(person, gatehouse.password)
    visitor.page.wait_for_url(gatehouse.url("/account"))
    with Receiver() as server:
        yield Asking(gatehouse, visitor, server)


def test_unchanged_until_the_person_signs_out(asking: Asking) -> None:
    told = asking.session_state()
    assert asking.ask(f"reports {told}") == "unchanged"
    page = asking.visitor.page
    page.goto(asking.gatehouse.url("/logout"))
    page.click("#logout-confirm")
    page.wait_for_url(asking.gatehouse.url("/logout/done"))
    assert asking.ask(f"reports {told}") == "changed"


def test_another_session_is_a_change(asking: Asking, person: str) -> None:
    told = asking.session_state()
    page = asking.visitor.page
    page.goto(asking.gatehouse.url("/logout"))
    page.click("#logout-confirm")
    page.goto(asking.gatehouse.url("/login"))
    asking.visitor.sign_in(person, asking.gatehouse.password)
    page.wait_for_url(asking.gatehouse.url("/account"))
    assert asking.ask(f"reports {told}") == "changed"
    assert asking.ask(f"reports {asking.session_state()}") == "unchanged"


def test_another_client_is_a_change(asking: Asking) -> None:
    assert asking.ask(f"other {asking.session_state()}") == "changed"


def test_nonsense_is_an_error(asking: Asking) -> None:
    zeros = "0" * 64
    for message in (
        *("", "reports", "reports ", " x", "reports nonsense", "a b c", "reports .salt", 7, None),
        *(f"reports {zeros}", f"reports {zeros}.", f"reports {zeros}.a.b", {}),
    ):
        assert asking.ask(message) == "error", message


def test_without_any_state_nobody_can_tell(asking: Asking) -> None:
    told = asking.session_state()
    asking.visitor.context.clear_cookies(name="gatehouse_browser_state")
    assert asking.ask(f"reports {told}") == "error"


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_administrators_read_the_ledger_and_send_again(
    gatehouse: Gatehouse,
    visit: Callable[..., Visitor],
    person: str,
    scheme: str,
    width: int,
) -> None:
    with Receiver(otherwise=behaviours.ok(status=400)) as server:
        origin = server.url("", host="localhost")
        server.behaviours["/callback"] = behaviours.ok(PAGE, content_type="text/html")
        two = Two(gatehouse, server)
        two.register(backchannel_logout_uri=f"{origin}/back")
        leaving = visit()
        two.sign_in(leaving, person)
        two.sign_out(leaving)
        leaving.page.wait_for_url(gatehouse.url("/logout/done"))
        visitor = visit(color_scheme=scheme, viewport={"width": width, "height": 800})
        page = visitor.page
        page.goto(gatehouse.url(f"/admin/idp/logoutnotification/?q={person}&state=failed"))
        visitor.sign_in("admin", gatehouse.password)
        page.locator("tbody tr").nth(1).wait_for()
        visitor.assert_accessible()
        visitor.assert_fits()
        page.locator("tbody a").first.click()
        page.get_by_text("it answers with status 400").wait_for()
        visitor.assert_accessible()
        visitor.assert_fits()
        page.click(f"a:has-text('{person} since')")
        page.get_by_text("Applications that took part").wait_for()
        visitor.assert_accessible()
        visitor.assert_fits()
        server.otherwise = behaviours.ok()
        again = page.get_by_role("button", name="Send again")
        again.first.click()
        page.get_by_text("The notice is being sent again.").wait_for()
        page.locator(".state", has_text="acknowledged").or_(
            page.locator(".state", has_text="waiting")
        ).first.wait_for()
        assert page.get_by_role("button", name="Send again").count() == 1
