"""Single logout over real HTTP, with python3-saml as the service providers that others wrote."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest
import requests
from lxml import etree
from onelogin.saml2.auth import OneLogin_Saml2_Auth
from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser

from federation.saml import datatypes, vocabulary
from tests.attacks.saml import service_provider
from tests.attacks.saml.service_provider import ServiceProvider, consumer, key_info
from tests.support.application import Application
from tests.support.person import TIMEOUT, Person
from tests.support.receiver import Handler, Receiver
from tests.support.saml import Party, posted
from tests.support.server import Gatehouse
from tests.support.single_logout import Leaver, envelope

pytestmark = pytest.mark.slow

AT_ONCE = 50
FORM = "application/x-www-form-urlencoded"
NOTICES = """
import json
from idp.models import LogoutNotification
rows = LogoutNotification.objects.order_by("id").values_list(
    "application__name", "channel", "state", "error"
)
print(json.dumps(list(rows)))
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


class Toolkit:
    """A web application on python3-saml: registered by its metadata, set up by ours."""

    def __init__(
        self, gatehouse: Gatehouse, *, binding: str = vocabulary.REDIRECT, slo: str = ""
    ) -> None:
        self.gatehouse = gatehouse
        self.host = f"https://{datatypes.new_id().lower().strip('_')}.example"
        self.slo = slo or f"{self.host}/slo"
        self.sp = ServiceProvider(
            entity_id=f"{self.host}/metadata",
            acs_url=f"{self.host}/acs",
            destination=gatehouse.url("/saml/sso"),
        )
        role = (
            f'<md:KeyDescriptor use="signing">{key_info(self.sp.certificate)}</md:KeyDescriptor>'
            f'<md:SingleLogoutService Binding="{binding}" Location="{self.slo}"/>'
            f"{consumer(self.sp.acs_url)}"
        )
        registered = gatehouse.register_service_provider(self.sp.metadata(role=role).decode())
        document = requests.get(registered["metadata_url"], timeout=TIMEOUT).content
        self.settings = {
            "strict": True,
            "sp": {
                "entityId": self.sp.entity_id,
                "assertionConsumerService": {"url": self.sp.acs_url, "binding": vocabulary.POST},
                "singleLogoutService": {"url": self.slo, "binding": vocabulary.REDIRECT},
                "x509cert": service_provider.pem(self.sp.certificate),
                "privateKey": service_provider.private_pem(self.sp.key).decode(),
            },
            "security": {
                "authnRequestsSigned": True,
                "logoutRequestSigned": True,
                "logoutResponseSigned": True,
                "wantMessagesSigned": True,
                "wantAssertionsSigned": True,
                "signatureAlgorithm": vocabulary.RSA_SHA256,
                "digestAlgorithm": vocabulary.SHA256,
                "rejectDeprecatedAlgorithm": True,
            },
            "idp": OneLogin_Saml2_IdPMetadataParser.parse(document)["idp"],
        }
        self.signed_on: OneLogin_Saml2_Auth
        self.logout_id = ""
        self.ended = 0

    def auth(self, path: str, **data: Any) -> OneLogin_Saml2_Auth:
        """The toolkit for one request to this application."""
        request = {
            "https": "on",
            "http_host": self.host.removeprefix("https://"),
            "script_name": path,
            "get_data": {},
            "post_data": {},
            **data,
        }
        return OneLogin_Saml2_Auth(request, self.settings)

    def sign_on(self, person: Person) -> None:
        """Send the person to sign in and take the answer."""
        begin = self.auth("/")
        page = person.open(begin.login(return_to="https://app.example/next"))
        if "id_username" in page.text:
            page = person.sign_in(page, "alice", self.gatehouse.password)
        back = self.auth("/acs", post_data=dict(form_of(page).fields))
        back.process_response(request_id=begin.get_last_request_id())
        assert back.get_errors() == [], back.get_last_error_reason()
        self.signed_on = back

    def leave(self, person: Person) -> requests.Response:
        """Sign the person out here; the page at which that ends."""
        begin, known = self.auth("/"), self.signed_on
        address = begin.logout(
            return_to=f"{self.host}/bye?a=1&b=ä",
            name_id=known.get_nameid(),
            session_index=known.get_session_index(),
            nq=known.get_nameid_nq(),
            name_id_format=known.get_nameid_format(),
            spnq=known.get_nameid_spnq(),
        )
        self.logout_id = begin.get_last_request_id()
        return person.open(address)

    def take(self, page: requests.Response) -> str | None:
        """What the toolkit makes of the message in an address: where to go on, its errors none."""
        assert page.url.startswith(self.slo), page.url

        def end() -> None:
            self.ended += 1

        query = urlsplit(page.url).query
        back = self.auth("/slo", get_data=dict(parse_qsl(query)), query_string=query)
        where = back.process_slo(
            request_id=self.logout_id or None, delete_session_cb=end, keep_local_session=False
        )
        assert back.get_errors() == [], back.get_last_error_reason()
        return where


def form_of(page: requests.Response) -> Any:
    class Answer:
        status_code = page.status_code
        content = page.content

    return posted(Answer)


def go_on(person: Person, page: requests.Response) -> requests.Response:
    """Press the page's main button."""
    (href,) = etree.HTML(page.text).xpath('//a[@id="logout-continue"]/@href')
    return person.open(urljoin(page.url, href))


def wait_for_reply(person: Person, page: requests.Response) -> requests.Response:
    """Look again as the Refresh header says, which the library does not."""
    pause = threading.Event()
    while "Refresh" in page.headers:
        pause.wait(0.2)
        page = person.open(page.url)
    return page


def notices(gatehouse: Gatehouse) -> dict[str, tuple[str, str]]:
    """Per channel: state and error; every application of these tests has another one."""
    printed = gatehouse.manage("shell", "-v", "0", "-c", NOTICES)
    return {channel: (state, error) for _, channel, state, error in json.loads(printed)}


def is_signed_in(gatehouse: Gatehouse, person: Person) -> bool:
    return "id_username" not in person.open(gatehouse.url("/account")).text


def test_alone(gatehouse: Gatehouse) -> None:
    app, person = Toolkit(gatehouse), Person()
    app.sign_on(person)
    assert is_signed_in(gatehouse, person)
    page = app.leave(person)
    assert dict(parse_qsl(urlsplit(page.url).query))["RelayState"] == f"{app.host}/bye?a=1&b=ä"
    app.take(page)
    assert app.ended == 1
    assert not is_signed_in(gatehouse, person)


def test_two_service_providers_in_one_browser(gatehouse: Gatehouse) -> None:
    first, second, person = Toolkit(gatehouse), Toolkit(gatehouse), Person()
    first.sign_on(person)
    second.sign_on(person)
    page = first.leave(person)
    assert "You are signed out" in page.text
    assert not is_signed_in(gatehouse, person)
    where = second.take(go_on(person, page))
    assert (second.ended, first.ended) == (1, 0)
    assert where is not None
    # Back with its LogoutResponse, and on to the one that asked, which hears of a success.
    page = person.open(where)
    assert "PartialLogout" not in page.url
    first.take(page)
    assert first.ended == 1
    assert notices(gatehouse)["saml-browser"] == ("acknowledged", "")


def test_by_post_in_both_directions(gatehouse: Gatehouse) -> None:
    app, person = Toolkit(gatehouse, binding=vocabulary.POST), Person()
    app.sign_on(person)
    page = person.submit(person.open(gatehouse.url("/logout")), logout="1")
    page = go_on(person, page)
    form = etree.HTML(page.text).xpath("//form")[0]
    fields = {one.get("name"): one.get("value") for one in form.xpath(".//input")}
    assert form.get("action") == app.slo
    leaver = Leaver(Party(None, app.sp, None))  # type: ignore[arg-type]
    request = etree.fromstring(base64.b64decode(fields["SAMLRequest"]))
    body = leaver.answer_form(
        request, relay_state=fields["RelayState"], Destination=gatehouse.url("/saml/slo")
    )
    # From another site's form: without cookies, so it goes on by GET.
    sent = requests.post(
        gatehouse.url("/saml/slo"),
        body,
        headers={"Content-Type": FORM, "Origin": app.host},
        allow_redirects=False,
        timeout=TIMEOUT,
    )
    assert sent.status_code == 303
    page = person.open(gatehouse.url(sent.headers["Location"]))
    assert page.url == gatehouse.url("/logout/done")
    assert "signed out" in page.text


def test_a_service_provider_signs_out_of_openid_connect(
    gatehouse: Gatehouse, receiver: Receiver
) -> None:
    web = Application(
        gatehouse,
        client_name="web",
        backchannel_logout_uri=receiver.url("/logout"),
        gatehouse_first_party=True,
    )
    app, person = Toolkit(gatehouse), Person()
    tokens = web.tokens(person)
    app.sign_on(person)
    app.take(wait_for_reply(person, app.leave(person)))
    assert app.ended == 1
    assert len(receiver.at("/logout")) == 1
    address = web.metadata["userinfo_endpoint"]
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert requests.get(address, headers=headers, timeout=TIMEOUT).status_code == 401


def test_openid_connect_signs_out_of_service_providers(
    gatehouse: Gatehouse, receiver: Receiver
) -> None:
    after = "https://web.example/bye"
    web = Application(
        gatehouse,
        client_name="web",
        post_logout_redirect_uris=[after],
        gatehouse_first_party=True,
    )
    in_browser = Toolkit(gatehouse)
    by_soap = Toolkit(gatehouse, binding=vocabulary.SOAP_BINDING, slo=receiver.url("/soap"))
    receiver.behaviours["/soap"] = answering(by_soap)
    person = Person()
    hint = web.tokens(person)["id_token"]
    in_browser.sign_on(person)
    by_soap.sign_on(person)
    page = person.open(
        web.metadata["end_session_endpoint"],
        params={"id_token_hint": hint, "post_logout_redirect_uri": after, "state": "s"},
    )
    where = in_browser.take(go_on(person, page))
    assert where is not None
    assert person.open(where).url == f"{after}?state=s"
    wait_for(lambda: notices(gatehouse)["saml-soap"] == ("acknowledged", ""))
    assert notices(gatehouse)["saml-browser"] == ("acknowledged", "")


def answering(app: Toolkit) -> Callable[[Handler], None]:
    """A SOAP receiver that signs its answers."""
    leaver = Leaver(Party(None, app.sp, None))  # type: ignore[arg-type]

    def behave(handler: Handler) -> None:
        request = etree.fromstring(handler.receiver.received[-1].body)[-1][0]
        handler.send(200, leaver.answer_envelope(request, Destination=None))

    return behave


def wait_for(condition: Callable[[], Any]) -> None:
    pause = threading.Event()
    for _ in range(300):
        if condition():
            return
        pause.wait(0.2)
    raise AssertionError("it did not happen")


def inside_of(app: Toolkit) -> str:
    known = app.signed_on
    return (
        f'<saml:NameID Format="{known.get_nameid_format()}"'
        f' NameQualifier="{known.get_nameid_nq()}" SPNameQualifier="{known.get_nameid_spnq()}">'
        f"{known.get_nameid()}</saml:NameID>"
        f"<samlp:SessionIndex>{known.get_session_index()}</samlp:SessionIndex>"
    )


def soap_request(app: Toolkit, **options: Any) -> bytes:
    leaver = Leaver(Party(None, app.sp, None))  # type: ignore[arg-type]
    text = leaver.text(inside_of(app), destination=app.gatehouse.url("/saml/slo/soap"), **options)
    return envelope(service_provider.sign(etree.fromstring(text)))


def post_soap(gatehouse: Gatehouse, body: bytes) -> requests.Response:
    return requests.post(
        gatehouse.url("/saml/slo/soap"),
        body,
        headers={"Content-Type": "text/xml"},
        timeout=TIMEOUT,
    )


def test_by_soap_and_the_others_hear(gatehouse: Gatehouse, receiver: Receiver) -> None:
    asking = Toolkit(gatehouse)
    told = Toolkit(gatehouse, binding=vocabulary.SOAP_BINDING, slo=receiver.url("/soap"))
    receiver.behaviours["/soap"] = answering(told)
    person = Person()
    asking.sign_on(person)
    told.sign_on(person)
    answer = post_soap(gatehouse, soap_request(asking))
    assert answer.status_code == 200, answer.text
    assert len(receiver.at("/soap")) == 1
    assert b"status:Success" in answer.content
    assert b"PartialLogout" not in answer.content
    assert not is_signed_in(gatehouse, person)


@pytest.mark.parametrize("size", [0, 100, 300 * 1024, 10 * 1024 * 1024])
def test_soap_is_never_answered_with_a_page(gatehouse: Gatehouse, size: int) -> None:
    answer = post_soap(gatehouse, b"<a>" * bool(size) + b"x" * size)
    assert answer.status_code in (413, 500)
    assert b"<html" not in answer.content.lower()
    assert "endpoint_failed" not in gatehouse.log


def test_of_fifty_at_once_one_is_accepted(gatehouse_on_postgresql: Gatehouse) -> None:
    gatehouse = gatehouse_on_postgresql
    app, person = Toolkit(gatehouse), Person()
    app.sign_on(person)
    leaver = Leaver(Party(None, app.sp, None))  # type: ignore[arg-type]
    query = leaver.query(inside_of(app), destination=gatehouse.url("/saml/slo"))
    cookies = person.session.cookies.get_dict()
    url = gatehouse.url(f"/saml/slo?{query}")

    def send(_: int) -> requests.Response:
        return requests.get(url, cookies=cookies, timeout=TIMEOUT, allow_redirects=False)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(send, range(AT_ONCE)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [303] + [400] * (AT_ONCE - 1)
    refused = [answer.text for answer in answers if answer.status_code == 400]
    assert all('id="error-code">repeated_request<' in page for page in refused)


def test_of_fifty_answers_at_once_one_counts(gatehouse_on_postgresql: Gatehouse) -> None:
    gatehouse = gatehouse_on_postgresql
    app, person = Toolkit(gatehouse), Person()
    app.sign_on(person)
    page = person.submit(person.open(gatehouse.url("/logout")), logout="1")
    where = app.take(go_on(person, page))
    assert where is not None
    cookies = person.session.cookies.get_dict()

    def send(_: int) -> int:
        answer = requests.get(where, cookies=cookies, timeout=TIMEOUT, allow_redirects=False)
        return answer.status_code

    with ThreadPoolExecutor(AT_ONCE) as pool:
        statuses = sorted(pool.map(send, range(AT_ONCE)))
    assert set(statuses) <= {303, 400}
    assert 303 in statuses
    counted = gatehouse.manage(
        "shell",
        "-v",
        "0",
        "-c",
        "from idp.models import AuditEvent as A\n"
        "print(A.objects.filter(action='logout.notified').count())",
    )
    assert counted.strip() == "1"
