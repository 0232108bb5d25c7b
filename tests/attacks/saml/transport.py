"""Hostile queries and forms: polluted parameters, bombs, Redirect signatures."""

from __future__ import annotations

import functools
import re
import zlib
from collections.abc import Iterator
from urllib.parse import quote

from federation.saml import vocabulary
from tests.attacks.saml import service_provider
from tests.attacks.saml.attack import Document, Raw, forgery, one, several
from tests.attacks.saml.message_types import POST, REDIRECT
from tests.attacks.saml.service_provider import DS, ServiceProvider, base64_parameter


@several(
    "one_message",
    {"none": b"", "other": b"a=b", "case": b"samlrequest=AAAA&samlresponse=AAAA"},
    by=(POST,),
)
def no_message(sp: ServiceProvider, body: bytes) -> Document:
    return Raw(body)


@several("one_message", {"request_first": True, "response_first": False}, by=(POST,))
def request_and_response_together(sp: ServiceProvider, first: bool) -> Document:
    request, response = (
        sp.post(sp.signed(), kind=kind) for kind in ("SAMLRequest", "SAMLResponse")
    )
    return Raw(b"&".join((request, response) if first else (response, request)))


@one("repeated_parameter", by=(POST,))
def request_twice(sp: ServiceProvider) -> Document:
    forged = sp.post(sp.text(**forgery(sp)))
    return Raw(sp.post(sp.signed()) + b"&" + forged)


@one("repeated_parameter", by=(POST,))
def relay_state_twice(sp: ServiceProvider) -> Document:
    return Raw(sp.post(sp.signed(), relay_state="a") + b"&RelayState=b")


@one("parameter", by=(POST,))
def name_with_escapes(sp: ServiceProvider) -> Document:
    forged = sp.post(sp.text(**forgery(sp))).replace(b"SAMLRe", b"SAML%52e")
    return Raw(sp.post(sp.signed()) + b"&" + forged)


@several(
    "parameter",
    {"SigAlg": b"&SigAlg=x", "Signature": b"&Signature=AAAA", "SAMLEncoding": b"&SAMLEncoding=x"},
    by=(POST,),
)
def redirect_parameter_by_post(sp: ServiceProvider, added: bytes) -> Document:
    return Raw(sp.post(sp.signed()) + added)


@several(
    "base64",
    {"empty": b"", "alphabet": b"%21%21%21%21", "padding": b"QQ", "url": b"-_-_"},
    by=(POST,),
)
def broken_base64(sp: ServiceProvider, value: bytes) -> Document:
    return Raw(f"{sp.message.parameter}=".encode() + value)


@several("escape", {"half": b"%4", "no_hex": b"%zz", "utf8": b"%ff"}, by=(POST,))
def broken_escape(sp: ServiceProvider, value: bytes) -> Document:
    return Raw(sp.post(sp.signed()) + b"&RelayState=" + value)


@several(
    "relay_state", {"long": "x" * 2_049, "long_in_bytes": "\u20ac" * 700, "nul": "a\0b"}, by=(POST,)
)
def relay_state(sp: ServiceProvider, value: str) -> Document:
    return Raw(sp.post(sp.signed(), relay_state=value))


@one("size", by=(REDIRECT,))
def huge_query(sp: ServiceProvider) -> Document:
    return Raw(f"{sp.message.parameter}=".encode() + b"A" * 600_000)


@one("size", by=(POST,))
def huge_form(sp: ServiceProvider) -> Document:
    return Raw(f"{sp.message.parameter}=".encode() + b"A" * 600_000)


def _packed(sp: ServiceProvider, packed: bytes) -> Raw:
    return Raw(f"{sp.message.parameter}={base64_parameter(packed)}".encode())


@functools.cache
def bomb() -> bytes:
    """200 MB of white space in 200 kB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    chunk = b" " * 1_000_000
    return b"".join(packer.compress(chunk) for _ in range(200)) + packer.flush()


@one("inflated_size", by=(REDIRECT,))
def deflate_bomb(sp: ServiceProvider) -> Document:
    return _packed(sp, bomb())


@one("inflate_ratio", by=(REDIRECT,))
def deflate_bomb_within_the_size(sp: ServiceProvider) -> Document:
    return _packed(sp, service_provider.deflate(sp.text().encode() + b" " * 200_000))


@one("inflate_ratio", by=(REDIRECT,))
def small_deflate_bomb(sp: ServiceProvider) -> Document:
    return _packed(sp, service_provider.deflate(b" " * 1_000_000))


def _mutilated(sp: ServiceProvider) -> Iterator[tuple[str, bytes]]:
    whole = service_provider.deflate(sp.text().encode())
    yield "cut_off", whole[:-20]
    yield "followed", whole + b"garbage"
    yield "two_streams", whole + whole
    yield "zlib_header", zlib.compress(sp.text().encode())
    yield "not_deflated", sp.text().encode()


@several(
    "deflate",
    {name: name for name, _ in _mutilated(ServiceProvider())},
    by=(REDIRECT,),
)
def broken_deflate(sp: ServiceProvider, name: str) -> Document:
    return _packed(sp, dict(_mutilated(sp))[name])


@one("encoding", by=(REDIRECT,))
def unknown_encoding(sp: ServiceProvider) -> Document:
    return Raw(sp.redirect(sp.text()) + b"&SAMLEncoding=urn:example:zip")


@one("embedded_signature", by=(REDIRECT,))
def xml_signature_by_redirect(sp: ServiceProvider) -> Document:
    return Raw(sp.redirect(sp.signed(), signed=False))


@several(
    "signature_algorithm",
    {
        "sha1": DS + "rsa-sha1",
        "unknown": "urn:example:signature",
        "empty": "",
        "hmac": "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
    },
    by=(REDIRECT,),
)
def redirect_algorithm(sp: ServiceProvider, algorithm: str) -> Document:
    if algorithm in service_provider.HASHES:
        return Raw(sp.redirect(sp.text(), algorithm=algorithm))
    query = sp.redirect(sp.text()).decode()
    return Raw(re.sub(r"SigAlg=[^&]*", f"SigAlg={quote(algorithm, safe='')}", query).encode())


@one("key_type", by=(REDIRECT,))
def redirect_with_an_elliptic_curve_algorithm(sp: ServiceProvider) -> Document:
    query = sp.redirect(sp.text()).decode()
    return Raw(query.replace("rsa-sha256", "ecdsa-sha256").encode())


@several("signature_pair", {"SigAlg": "SigAlg", "Signature": "Signature"}, by=(REDIRECT,))
def half_a_signature(sp: ServiceProvider, dropped: str) -> Document:
    query = sp.redirect(sp.text()).decode()
    return Raw(re.sub(rf"&{dropped}=[^&]*", "", query).encode())


@several(
    "repeated_parameter",
    {name: name for name in ("message", "RelayState", "SigAlg", "Signature")},
    by=(REDIRECT,),
)
def redirect_parameter_twice(sp: ServiceProvider, name: str) -> Document:
    query = sp.redirect(sp.text(), relay_state="a").decode()
    name = sp.message.parameter if name == "message" else name
    again = re.search(rf"{name}=[^&]*", query)
    return Raw(f"{query}&{again[0]}".encode())


@one("signature_value", by=(REDIRECT,))
def redirect_with_a_foreign_key(sp: ServiceProvider) -> Document:
    return Raw(sp.redirect(sp.text(), key=service_provider.rsa_key("foreign")))


@several("signature_value", {"changed": "b", "dropped": "", "added": "c"}, by=(REDIRECT,))
def redirect_relay_state(sp: ServiceProvider, change: str) -> Document:
    """The RelayState is not the one that was signed."""
    signed = sp.redirect(sp.text(), relay_state=None if change == "c" else "a").decode()
    if change == "c":
        return Raw(f"{signed}&RelayState=c".encode())
    wanted = f"&RelayState={change}" if change else ""
    return Raw(signed.replace("&RelayState=a", wanted).encode())


@one("signature_value", by=(REDIRECT,))
def redirect_signature_over_another_request(sp: ServiceProvider) -> Document:
    good = sp.redirect(sp.text()).decode()
    forged = sp.redirect(sp.text(**forgery(sp)), signed=False).decode()
    return Raw(re.sub(rf"{sp.message.parameter}=[^&]*", lambda _: forged, good).encode())


@one("signature_value", by=(REDIRECT,))
def redirect_signature_in_the_order_of_the_query(sp: ServiceProvider) -> Document:
    """Signed as RelayState, SAMLRequest, SigAlg, which is not the order of the standard."""
    request = sp.redirect(sp.text(), signed=False).decode()
    algorithm = quote(vocabulary.RSA_SHA256, safe="")
    query = f"RelayState=a&{request}&SigAlg={algorithm}"
    return Raw(query.encode() + b"&Signature=" + sp.value(query))


@several("signature_base64", {"empty": "", "alphabet": "%21"}, by=(REDIRECT,))
def redirect_signature_value(sp: ServiceProvider, value: str) -> Document:
    query = sp.redirect(sp.text()).decode()
    return Raw(re.sub(r"Signature=[^&]*", f"Signature={value}", query).encode())
