"""Hostile service provider metadata, each with the one check that stops it.

`ATTACKS` maps a name to the check and a function of a service provider that gives the document.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519

from federation.saml import vocabulary
from tests.attacks.saml import octets, service_provider
from tests.attacks.saml.attack import EVIL
from tests.attacks.saml.service_provider import ServiceProvider, consumer, key_info

MD = vocabulary.MD
Build = Callable[[ServiceProvider], bytes]

ATTACKS: dict[str, tuple[str, Build]] = {}


def attack(check: str, **variants: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function of a service provider and a variant, once for each variant."""

    def register(build: Callable[..., Any]) -> Callable[..., Any]:
        if not variants:
            ATTACKS[build.__name__] = (check, build)
        for name, variant in variants.items():
            ATTACKS[f"{build.__name__}[{name}]"] = (check, lambda sp, v=variant: build(sp, v))
        return build

    return register


def group(*entities: bytes) -> bytes:
    """Several entities in one document."""
    return b'<md:EntitiesDescriptor xmlns:md="%s">%s</md:EntitiesDescriptor>' % (
        MD.encode(),
        b"".join(entities),
    )


def key(one: Any, *, use: str = "signing") -> str:
    """A KeyDescriptor for a private key."""
    described = f' use="{use}"' if use else ""
    info = key_info(service_provider.certificate(one))
    return f"<md:KeyDescriptor{described}>{info}</md:KeyDescriptor>"


# --- Octets --------------------------------------------------------------------------------------


@attack("doctype", **octets.DOCTYPES)
def doctype(sp: ServiceProvider, declaration: str) -> bytes:
    return declaration.encode() + sp.metadata()


@attack("well_formed", br=b"<x><br></x>", json=b"{}", text=b"hello", empty=b"", cut=b"<md:")
def not_xml(sp: ServiceProvider, document: bytes) -> bytes:
    return document


@attack("web_page", html=b"<html><br></html>", declared=b"\n<!doctype HTML><p>Sign in")
def web_page(sp: ServiceProvider, document: bytes) -> bytes:
    return document


@attack("utf8")
def utf_16(sp: ServiceProvider) -> bytes:
    return sp.metadata().decode().encode("utf-16")


@attack("size")
def five_megabytes(sp: ServiceProvider) -> bytes:
    return sp.metadata() + b" " * 5_000_000


@attack("depth")
def deep_nesting(sp: ServiceProvider) -> bytes:
    document = sp.metadata()
    for _ in range(40):
        document = group(document)
    return document


@attack("elements")
def many_elements(sp: ServiceProvider) -> bytes:
    return sp.metadata(role="<a/>" * 30_000)


@attack("attributes")
def many_attributes(sp: ServiceProvider) -> bytes:
    return sp.metadata(attributes=" ".join(f'a{number}=""' for number in range(80_000)))


@attack("namespaces")
def many_namespaces(sp: ServiceProvider) -> bytes:
    return sp.metadata(attributes=" ".join(f'xmlns:n{n}="urn:{n}"' for n in range(30_000)))


@attack("duplicate_id", Id="Id", id="id", xml_id="xml:id")
def same_id(sp: ServiceProvider, attribute: str) -> bytes:
    return sp.metadata(attributes=f'ID="_a" {attribute}="_a"')


@attack("relative_namespace")
def relative_namespace(sp: ServiceProvider) -> bytes:
    return sp.metadata(attributes='xmlns:x="evil"')


@attack("metadata_root")
def authn_request_as_metadata(sp: ServiceProvider) -> bytes:
    return sp.text().encode()


# --- Entities ------------------------------------------------------------------------------------

OTHER = ServiceProvider(entity_id="https://other.example", acs_url="https://other.example/acs")


@attack("several_entities")
def two_entities(sp: ServiceProvider) -> bytes:
    return group(sp.metadata(), OTHER.metadata())


@attack("duplicate_entity")
def the_same_entity_twice(sp: ServiceProvider) -> bytes:
    evil = ServiceProvider(entity_id=sp.entity_id, acs_url=EVIL)
    return group(sp.metadata(), group(evil.metadata()))


@attack("no_service_provider")
def no_entities(sp: ServiceProvider) -> bytes:
    return group()


@attack("no_service_provider")
def identity_provider_only(sp: ServiceProvider) -> bytes:
    return sp.metadata().replace(b"SPSSODescriptor", b"IDPSSODescriptor")


@attack("no_service_provider")
def saml_1_only(sp: ServiceProvider) -> bytes:
    return sp.metadata().replace(vocabulary.SAMLP.encode(), b"urn:oasis:names:tc:SAML:1.1:protocol")


@attack("several_roles")
def two_roles(sp: ServiceProvider) -> bytes:
    document = sp.metadata()
    begin, end = document.index(b"<md:SPSSO"), document.index(b"</md:Entity")
    return document[:end] + document[begin:end] + document[end:]


@attack("entity_id", missing="", long="https://sp.example/" + "x" * 1_024)
def useless_entity_id(sp: ServiceProvider, name: str) -> bytes:
    return ServiceProvider(entity_id=name).metadata()


@attack("valid_until", past="2020-01-01T00:00:00Z")
def out_of_date(sp: ServiceProvider, instant: str) -> bytes:
    return sp.metadata(attributes=f'validUntil="{instant}"')


@attack("valid_until")
def out_of_date_as_a_group(sp: ServiceProvider) -> bytes:
    return group(sp.metadata()).replace(
        b"<md:EntitiesDescriptor", b'<md:EntitiesDescriptor validUntil="2020-01-01T00:00:00Z"'
    )


@attack("instant", words="tomorrow", empty="")
def useless_valid_until(sp: ServiceProvider, instant: str) -> bytes:
    return sp.metadata(attributes=f'validUntil="{instant}"')


@attack("boolean")
def useless_flag(sp: ServiceProvider) -> bytes:
    return sp.metadata().replace(b'AuthnRequestsSigned="true"', b'AuthnRequestsSigned="perhaps"')


# --- Endpoints -----------------------------------------------------------------------------------

URLS = {
    "javascript": "javascript:alert(1)",
    "javascript_with_host": "javascript://sp.example/%0aalert(1)",
    "data": "data:text/html,x",
    "file": "file:///etc/passwd",
    "ftp": "ftp://sp.example/",
    "http": "http://sp.example/acs",
    "http_private": "http://10.0.0.1/acs",
    "http_like_loopback": "http://127.0.0.1.evil.example/acs",
    "http_loopback_user": "http://127.0.0.1@evil.example/acs",
    "user": "https://user@sp.example/acs",
    "password": "https://user:secret@sp.example/acs",
    "fragment": "https://sp.example/acs#x",
    "empty_fragment": "https://sp.example/acs#",
    "no_host": "https:///acs",
    "relative": "/acs",
    "network_path": "//sp.example/acs",
    "empty": "",
    "space_inside": "https://sp.example/a cs",
    "tab_inside": "https://sp.exa&#9;mple/acs",
    "line_inside": "https://sp.example/&#10;acs",
    "backslash": "https://sp.example\\@evil.example/acs",
    "quote": "https://sp.example/&quot;&gt;&lt;script&gt;",
    "single_port": "https://sp.example:x/acs",
    "port": "https://sp.example:99999/acs",
    "broken_host": "https://[::1/acs",
    "unicode": "https://sp.ex\u00e4mple/acs",
    "long": "https://sp.example/" + "x" * 2_048,
}


@attack("endpoint_url", **URLS)
def assertion_consumer_service(sp: ServiceProvider, url: str) -> bytes:
    return sp.metadata(role=consumer(url))


@attack("endpoint_url")
def one_bad_endpoint_among_good_ones(sp: ServiceProvider) -> bytes:
    return sp.metadata(role=consumer(sp.acs_url) + consumer("javascript:alert(1)", index="1"))


@attack("endpoint_url", location="Location", response="ResponseLocation")
def single_logout_service(sp: ServiceProvider, attribute: str) -> bytes:
    given = {"Location": "https://sp.example/slo", attribute: "javascript:alert(1)"}
    attributes = " ".join(f'{name}="{value}"' for name, value in given.items())
    logout = f'<md:SingleLogoutService Binding="{vocabulary.POST}" {attributes}/>'
    return sp.metadata(role=logout + consumer(sp.acs_url))


@attack("no_assertion_consumer_service")
def no_endpoint(sp: ServiceProvider) -> bytes:
    return sp.metadata(role="<md:NameIDFormat>urn:x</md:NameIDFormat>")


@attack("no_assertion_consumer_service", redirect=vocabulary.REDIRECT, other="urn:x", none="")
def no_endpoint_that_takes_a_post(sp: ServiceProvider, binding: str) -> bytes:
    return sp.metadata(role=consumer(sp.acs_url, binding=binding))


@attack("index", words="first", negative="-1", large="65536", huge="9" * 4_000, digits="\u0661")
def index(sp: ServiceProvider, value: str) -> bytes:
    return sp.metadata(role=consumer(sp.acs_url, index=value))


# --- Keys ----------------------------------------------------------------------------------------


@attack("weak_key", signing="signing", encryption="encryption", both="")
def rsa_1024(sp: ServiceProvider, use: str) -> bytes:
    weak = service_provider.rsa_key("weak", 1024)
    return sp.metadata(role=key(weak, use=use) + consumer(sp.acs_url))


@attack("weak_key")
def a_weak_key_beside_a_good_one(sp: ServiceProvider) -> bytes:
    weak = service_provider.rsa_key("weak", 1024)
    return sp.metadata(role=key(sp.key) + key(weak) + consumer(sp.acs_url))


@attack("weak_key")
def curve_of_224_bits(sp: ServiceProvider) -> bytes:
    return sp.metadata(role=key(ec.generate_private_key(ec.SECP224R1())) + consumer(sp.acs_url))


@attack("key_type")
def edwards_curve(sp: ServiceProvider) -> bytes:
    return sp.metadata(role=key(ed25519.Ed25519PrivateKey.generate()) + consumer(sp.acs_url))


@attack("key_type")
def dsa_key(sp: ServiceProvider) -> bytes:
    return sp.metadata(role=key(dsa.generate_private_key(1024)) + consumer(sp.acs_url))


@attack("key_type")
def encryption_by_elliptic_curve(sp: ServiceProvider) -> bytes:
    return sp.metadata(role=key(service_provider.ec_key(), use="encryption") + consumer(sp.acs_url))


@attack("key_use", other="verification", case="Signing", empty=" ")
def key_use(sp: ServiceProvider, use: str) -> bytes:
    return sp.metadata(role=key(sp.key, use=use) + consumer(sp.acs_url))


@attack("certificate", text="hello", base64="AAAA", empty="")
def certificate(sp: ServiceProvider, text: str) -> bytes:
    good = service_provider.base64_der(sp.certificate)
    return sp.metadata().replace(good.encode(), text.encode())


@attack("text")
def element_in_certificate(sp: ServiceProvider) -> bytes:
    return sp.metadata().replace(b"</ds:X509Certificate>", b"<a/></ds:X509Certificate>")


@attack("too_many_keys")
def many_keys(sp: ServiceProvider) -> bytes:
    keys = "".join(key(ec.generate_private_key(ec.SECP256R1())) for _ in range(40))
    return sp.metadata(role=keys + consumer(sp.acs_url))
