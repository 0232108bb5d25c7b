"""Form parameters, read strictly."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from idp.protocol import parameters
from idp.protocol.errors import InvalidRequest, UnsupportedMediaType
from idp.protocol.message import Request

FORM = "application/x-www-form-urlencoded"
NO_NUL = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))


def request(body: bytes = b"", *, query: str = "", content_type: str = FORM) -> Request:
    return Request(
        method="POST",
        path="/token",
        now=datetime(2026, 1, 1, tzinfo=UTC),
        body=body,
        query=query,
        content_type=content_type,
    )


@pytest.mark.standard("RFC 6749", "B", "form encoding in UTF-8")
@pytest.mark.parametrize("raw", ["a=x+y%20z&b=%C3%A9%2B", b"a=x+y%20z&b=%C3%A9%2B"])
def test_decodes(raw: str | bytes) -> None:
    found = parameters.parse(raw)
    assert found.one("a") == "x y z"
    assert found.one("b") == "é+"
    assert found.one("c") is None


@pytest.mark.standard("RFC 6749", "3.1", "a parameter without a value is omitted")
@pytest.mark.parametrize("raw", ["", "a", "a=", "&", "a=&&b"])
def test_empty_value_is_absent(raw: str) -> None:
    found = parameters.parse(raw)
    assert found.one("a") is None
    assert found.every("a") == ()
    assert "a" not in found
    assert list(found) == []
    assert len(found) == 0
    assert found.as_dict() == {}


@pytest.mark.standard("RFC 6749", "3.1", "a repeated parameter is refused")
@pytest.mark.standard("RFC 6749", "3.2", "a repeated parameter is refused")
@pytest.mark.parametrize("raw", ["a=1&a=2", "a=1&a=1", "a=&a=1", "a&a", "%61=1&a=2"])
def test_repeated_is_refused(raw: str) -> None:
    found = parameters.parse(raw)
    with pytest.raises(InvalidRequest, match="a is repeated"):
        found.one("a")
    with pytest.raises(InvalidRequest, match="a is repeated"):
        found.refuse_repeated()


@pytest.mark.standard("RFC 8707", "2", "resource may be repeated")
def test_resource_may_be_repeated() -> None:
    found = parameters.parse("resource=a&resource=&resource=b&x=1")
    found.refuse_repeated()
    assert found.every("resource") == ("a", "b")
    assert found.as_dict() == {"resource": ["a", "b"], "x": "1"}
    with pytest.raises(InvalidRequest):
        found.refuse_repeated(except_for=())


def test_unknown_repeated_parameter_is_refused_too() -> None:
    with pytest.raises(InvalidRequest):
        parameters.parse("utm=1&utm=2&client_id=x").refuse_repeated()


def test_name_in_the_error_is_harmless() -> None:
    name = quote('<script>"\\\r\n' + "x" * 500)
    with pytest.raises(InvalidRequest) as caught:
        parameters.parse(f"{name}=1&{name}=2").refuse_repeated()
    assert len(caught.value.description) < 150
    assert '"' not in caught.value.description


@pytest.mark.parametrize(
    "raw",
    [
        *("a=%", "a=%2", "a=%zz", "a=%2x", "%=1", "a=%u0041", "a=1%"),
        *("a=%ff", "a=%c3", "a=%c0%af", "a=%ed%a0%80", "a=%f4%90%80%80", "%ff=1"),
        *("a=%00", "a=x%00y", "%00=1", "a=\x00", "a=1\r\n", "a=\t1", "a=é", "a=\x7f", "a=\ud800"),
        *(b"a=\xc3\xa9", b"\xff\xfe", b"a=\x00"),
    ],
)
def test_refuses_what_can_be_read_two_ways(raw: str | bytes) -> None:
    with pytest.raises(InvalidRequest):
        parameters.parse(raw)


def test_bounds_the_number() -> None:
    assert len(parameters.parse("&".join(f"a{n}=1" for n in range(200)))) == 200
    with pytest.raises(InvalidRequest, match="200"):
        parameters.parse("&".join(f"a{n}=1" for n in range(201)))
    with pytest.raises(InvalidRequest, match="200"):
        parameters.parse("&" * 200)


@pytest.mark.standard("RFC 6749", "4.1.2.1", "state survives byte for byte")
@given(st.lists(st.tuples(NO_NUL, NO_NUL), max_size=20))
def test_round_trip(pairs: list[tuple[str, str]]) -> None:
    pairs = [pair for pair in pairs if any(pair)]
    found = parameters.parse(urlencode(pairs))
    for name, _ in pairs:
        assert found.every(name) == tuple(v for n, v in pairs if n == name and v)


@given(NO_NUL.filter(bool), st.sampled_from([str.upper, str.lower]))
@example("a=b", str.lower)
@example("=3D= ", str.upper)
def test_any_spelling_of_a_byte_is_read(text: str, spell: Callable[[str], str]) -> None:
    everything = "".join(f"%{spell(f'{byte:02x}')}" for byte in text.encode())
    only_what_must = quote(text, safe="=")
    for raw in (everything, only_what_must):
        assert parameters.parse(f"a={raw}").one("a") == text


@given(st.one_of(st.binary(), st.text(), st.text("%&=+0aAzZé\x00")))
@example("%" * 3)
def test_nothing_but_invalid_request_escapes(raw: str | bytes) -> None:
    try:
        found = parameters.parse(raw)
        found.refuse_repeated()
    except InvalidRequest:
        return
    assert all(found.one(name) for name in found if name != "resource")


@pytest.mark.standard("RFC 6749", "3.2", "parameters in the body, form-encoded")
@pytest.mark.parametrize(
    "content_type", [FORM, FORM.upper(), f"{FORM}; charset=UTF-8", f" {FORM} ;charset=x"]
)
def test_form(content_type: str) -> None:
    assert parameters.form(request(b"a=1", content_type=content_type)).one("a") == "1"


@pytest.mark.parametrize(
    "content_type",
    ["", "application/json", "multipart/form-data; boundary=x", "text/plain", f"x{FORM}"],
)
def test_form_refuses_other_content_types(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaType) as caught:
        parameters.form(request(b"a=1", content_type=content_type))
    assert (caught.value.status, caught.value.error) == (415, "invalid_request")


@pytest.mark.standard("RFC 6749", "2.3.1", "credentials never in the URL")
@pytest.mark.parametrize("query", ["client_secret=s", "code=x&code=y", "utm=1"])
def test_form_refuses_parameters_in_the_url(query: str) -> None:
    with pytest.raises(parameters.ParameterInUrl, match="not in the URL"):
        parameters.form(request(b"a=1", query=query))


def test_form_refuses_only_the_named_parameters() -> None:
    allowed = request(b"a=1", query="utm=1")
    assert parameters.form(allowed, not_in_query={"client_secret"}).one("a") == "1"
    with pytest.raises(parameters.ParameterInUrl, match="client_secret"):
        parameters.refuse_query(request(query="utm=1&client_secret=s"), names={"client_secret"})


def test_broken_query_is_refused_beside_a_form() -> None:
    with pytest.raises(InvalidRequest):
        parameters.form(request(b"a=1", query="%zz"))
    assert parameters.form(request(b"a=1", query="access_token=")).one("a") == "1"
