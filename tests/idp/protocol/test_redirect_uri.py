"""Redirect URIs: what may be registered and what matches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import redirect_uri
from idp.protocol.errors import InvalidRedirectUri
from tests.attacks import redirect_uris as corpus

REGISTERED = "https://client.example.org/callback"
REGISTERED_ONES = (
    REGISTERED,
    "https://client.example.org/callback?tenant=a&x=y",
    "https://client.example.org:8443/a/b/callback",
    "http://localhost:8001/callback",
    "http://127.0.0.1:8001/callback",
)


def test_corpus_is_large_and_without_repetition() -> None:
    for registered in REGISTERED_ONES:
        found = [one.uri for one in corpus.mutations(registered)]
        assert len(set(found)) == len(found) >= 150
        assert registered not in found


@pytest.mark.standard("RFC 9700", "4.1.3", "redirect URIs are compared as strings")
@pytest.mark.standard("RFC 6749", "3.1.2.3", "only a registered redirect URI matches")
@pytest.mark.parametrize("registered", REGISTERED_ONES)
def test_no_mutation_matches(registered: str) -> None:
    matching = [
        one
        for one in corpus.mutations(registered)
        if redirect_uri.matches(one.uri, [registered], native=False)
    ]
    assert matching == []
    assert redirect_uri.matches(registered, ["https://other.example/", registered], native=False)


@pytest.mark.standard("RFC 8252", "7.3", "only the port of a loopback literal may differ")
@pytest.mark.parametrize("registered", REGISTERED_ONES)
def test_native_exception_covers_loopback_ports_alone(registered: str) -> None:
    loopback = registered.startswith("http://127.0.0.1")
    for one in corpus.mutations(registered):
        if redirect_uri.matches(one.uri, [registered], native=True):
            assert loopback
            assert one.name.startswith("port-")
            assert one.uri.startswith("http://127.0.0.1")
            assert one.uri.endswith("/callback")


@pytest.mark.standard("RFC 8252", "7.3", "any port on 127.0.0.1 and [::1]")
@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_loopback_port(host: str) -> None:
    for registered in (f"http://{host}/cb", f"http://{host}:8001/cb"):
        for port in ("", ":1", ":8001", ":65535"):
            presented = f"http://{host}{port}/cb"
            assert redirect_uri.matches(presented, [registered], native=True)
            exact = presented == registered
            assert redirect_uri.matches(presented, [registered], native=False) is exact


@pytest.mark.standard("RFC 8252", "8.3", "localhost is no loopback literal")
@pytest.mark.parametrize(
    ("presented", "registered"),
    [
        ("http://localhost:2/cb", "http://localhost:1/cb"),
        ("http://127.0.0.1:2/cb", "http://localhost:1/cb"),
        ("http://localhost:2/cb", "http://127.0.0.1:1/cb"),
        ("http://[::1]:2/cb", "http://127.0.0.1:1/cb"),
        ("https://127.0.0.1:2/cb", "https://127.0.0.1:1/cb"),
        ("https://127.0.0.1:2/cb", "http://127.0.0.1:1/cb"),
        ("http://127.0.0.2:2/cb", "http://127.0.0.2:1/cb"),
        ("http://127.0.0.1:2/cb/", "http://127.0.0.1:1/cb"),
        ("http://127.0.0.1:2/cb?x", "http://127.0.0.1:1/cb"),
        ("http://127.0.0.1:2/cb#", "http://127.0.0.1:1/cb"),
        ("http://127.0.0.1:0/cb", "http://127.0.0.1:1/cb"),
        ("http://127.0.0.1:65536/cb", "http://127.0.0.1:1/cb"),
        ("http://127.0.0.1:02/cb", "http://127.0.0.1:1/cb"),
        ("http://127.0.0.1:/cb", "http://127.0.0.1:1/cb"),
        ("http://127.0.0.1:2@evil.example/cb", "http://127.0.0.1:1/cb"),
        ("http://127.0.0.1.evil.example/cb", "http://127.0.0.1:1/cb"),
        ("http://127.0.0.1:\u0662/cb", "http://127.0.0.1:1/cb"),
        ("http://127.0.0.1:2/cb\n", "http://127.0.0.1:1/cb"),
        ("com.example.app:2/cb", "com.example.app:1/cb"),
    ],
)
def test_native_does_not_match(presented: str, registered: str) -> None:
    assert not redirect_uri.matches(presented, [registered], native=True)


@given(st.text(), st.booleans())
def test_matches_never_raises(presented: str, native: bool) -> None:
    assert not redirect_uri.matches(presented, [REGISTERED, "http://127.0.0.1/cb"], native=native)


def test_nothing_registered_nothing_matches() -> None:
    assert not redirect_uri.matches("", [], native=True)
    assert not redirect_uri.matches(REGISTERED, [], native=True)


WEB = [
    REGISTERED,
    "https://client.example.org",
    "https://client.example.org/",
    "https://client.example.org:8443/cb?tenant=a%2Fb&x",
    "https://10.1.2.3/cb",
    "https://intranet/cb",
    "https://xn--bcher-kva.example/cb",
    "https://client.example.org/a;b=c/d",
    "https://client.example.org/~me/a.b..c/...",
    "https://localhost/cb",
    "http://localhost:8001/cb",
    "http://127.0.0.1/cb",
    "http://[::1]:8001/cb",
]
NATIVE = ["com.example.app:/cb", "com.example.app://host/cb", "com.example.app:///cb", "a.b-c.d2:/"]

NEVER = [
    *(
        "",
        "callback",
        "/callback",
        "//client.example.org/cb",
        "client.example.org/cb",
        "https:",
        "https:/a",
    ),
    *("https:///cb", "https://", "http://client.example.org/cb", "http://127.0.0.2/cb"),
    *(
        "http://localhost.evil.example/cb",
        "http://[::2]/cb",
        "http://0.0.0.0/cb",
        "http://LOCALHOST/cb",
    ),
    *("HTTPS://client.example.org/cb", "ftp://a.example/cb", "ws://a.example/", "wss://a.example/"),
    *(
        "javascript:alert(1)",
        "javascript://a.example/%0aalert(1)",
        "data:text/html,x",
        "file:///etc/x",
    ),
    *(
        "vbscript:x",
        "about:blank",
        "blob:https://a.example/x",
        "mailto:a@b.example",
        "tel:1",
        "app:/cb",
    ),
    *("myapp://cb", "urn:ietf:wg:oauth:2.0:oob", "urn:ietf:wg:oauth:2.0:oob:auto", "x-app:/cb"),
    *("com..example:/cb", ".com.example:/cb", "com.example.:/cb", "com.example:cb", "com.example:"),
    *(
        "javascript.:/x",
        "com.example.app:/cb#",
        "com.example.app:/../cb",
        "com.example.app://u@h/cb",
    ),
    *(f"{REGISTERED}#", f"{REGISTERED}#x", f"{REGISTERED}?x#", "https://u@a.example/cb"),
    *("https://u:p@a.example/cb", "https://@a.example/cb", "https://a.example@evil.example/cb"),
    *("https://*.example.org/cb", "https://a.example/*", "https://a.example/cb?x=*", "*"),
    *(
        "https://a.example/cb ",
        " https://a.example/cb",
        "https://a.example/c b",
        "https://a.example/\t",
    ),
    *(
        "https://a.example/\x00",
        "https://a.example/\r\n",
        "https://a.example/\x7f",
        "https://a.example/\x1b",
    ),
    *(
        "https://a.example\\cb",
        "https://a.example/é",
        "https://é.example/",
        "https://a.example/%zz",
    ),
    *(
        "https://a.example/%00",
        "https://a.example/%0d%0a",
        "https://a.example/%5c",
        "https://a.example/%ff",
    ),
    *(
        "https://a.example/../cb",
        "https://a.example/./cb",
        "https://a.example/cb/..",
        "https://a.example/.",
    ),
    *(
        "https://a.example/..;/cb",
        "https://a.example/%2e%2e/cb",
        "https://a.example/%2E/",
        "https://a.example/..%2fcb",
    ),
    *(
        "https://a.example/.;x=y/cb",
        "https://a.example:0/",
        "https://a.example:65536/",
        "https://a.example:/",
    ),
    *("https://a.example./cb", "https://a..example/cb", "https://-a.example/", "https://1.2.3/cb"),
    *("https://0x7f000001/", "https://[::1/", "https://[x]/", "https://a.example/" + "x" * 2048),
    *(
        'https://a.example/"',
        "https://a.example/<x>",
        "https://a.example/{x}",
        "https://a.example/|",
    ),
]


@pytest.mark.standard("RFC 6749", "3.1.2", "absolute URIs without fragment")
@pytest.mark.standard("RFC 8252", "7", "https, loopback http, reverse-domain schemes")
@pytest.mark.parametrize("uri", WEB)
@pytest.mark.parametrize("application_type", ["web", "native"])
def test_may_be_registered(uri: str, application_type: str) -> None:
    redirect_uri.validate(uri, application_type=application_type)
    redirect_uri.validate_post_logout(uri, application_type=application_type)


@pytest.mark.standard("RFC 8252", "7.1", "private-use schemes for native applications alone")
@pytest.mark.parametrize("uri", NATIVE)
def test_private_use_scheme(uri: str) -> None:
    redirect_uri.validate(uri, application_type="native")
    redirect_uri.validate_post_logout(uri)
    with pytest.raises(InvalidRedirectUri, match="native"):
        redirect_uri.validate(uri, application_type="web")


@pytest.mark.standard("RFC 8252", "8.12", "no out-of-band redirect URI")
@pytest.mark.standard("RFC 9700", "4.1", "what must never be registered")
@pytest.mark.parametrize("uri", NEVER)
@pytest.mark.parametrize("application_type", ["web", "native"])
def test_may_not_be_registered(uri: str, application_type: str) -> None:
    with pytest.raises(InvalidRedirectUri) as caught:
        redirect_uri.validate(uri, application_type=application_type)
    assert caught.value.description
    with pytest.raises(InvalidRedirectUri):
        redirect_uri.validate_post_logout(uri, application_type=application_type)


@pytest.mark.standard("RFC 9207", "2.4", "no response parameter in the redirect URI")
@pytest.mark.parametrize(
    "member",
    [
        *(
            "code=x",
            "state=x",
            "iss=x",
            "error=x",
            "session_state=x",
            "SAMLResponse=x",
            "SAMLRequest=x",
        ),
        *(
            "RelayState=x",
            "id_token=x",
            "access_token=x",
            "code",
            "code=",
            "CODE=x",
            "samlresponse=x",
        ),
        *(
            "%63ode=x",
            "c%6Fde=x",
            "code[]=x",
            "code[a]=x",
            "+code=x",
            "a=1;code=x",
            "a=1&&state",
            "response=x",
        ),
    ],
)
def test_no_response_parameter_in_the_query(member: str) -> None:
    for uri in (
        f"{REGISTERED}?{member}",
        f"{REGISTERED}?a=b&{member}",
        f"{REGISTERED}?{member}&a=b",
    ):
        with pytest.raises(InvalidRedirectUri):
            redirect_uri.validate(uri, application_type="web")


@pytest.mark.parametrize(
    "member", ["codec=x", "x=code", "my_state=x", "a=code=x", "issuer=x", "err", ""]
)
def test_other_query_members_are_fine(member: str) -> None:
    redirect_uri.validate(f"{REGISTERED}?{member}", application_type="web")


@pytest.mark.parametrize("registered", REGISTERED_ONES)
@pytest.mark.parametrize("application_type", ["web", "native"])
def test_mutations_that_may_be_registered_are_harmless(
    registered: str, application_type: str
) -> None:
    for one in corpus.mutations(registered):
        try:
            redirect_uri.validate(one.uri, application_type=application_type)
        except InvalidRedirectUri:
            continue
        assert one.uri.isascii()
        assert not set(one.uri) & set('\\#*<>"{}|^` \t\r\n\x00')
        assert "@" not in one.uri.split("://", 1)[1].split("/")[0].split("?")[0]
        assert one.uri.startswith(("https://", "http://", "org.example.client:"))


@given(st.one_of(st.text(), st.text("htps:/?#@.;%2ea*\\ ").map("https://a.example/".__add__)))
def test_nothing_but_invalid_redirect_uri_escapes(uri: str) -> None:
    for application_type in ("web", "native"):
        try:
            redirect_uri.validate(uri, application_type=application_type)
        except InvalidRedirectUri:
            continue
        assert redirect_uri.matches(uri, [uri], native=False)
