"""Client metadata: defaults, types, consistency."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import client_metadata
from idp.protocol.client_metadata import ClientMetadata
from idp.protocol.errors import (
    InvalidClientMetadata,
    InvalidRedirectUri,
    InvalidSoftwareStatement,
    ProtocolError,
)

REDIRECT = "https://client.example.org/cb"
PUBLIC_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    "kid": "1",
}
COMPATIBLE = {"gatehouse_profile": "compatibility"}


def parse(**members: Any) -> ClientMetadata:
    return client_metadata.parse({"redirect_uris": [REDIRECT], **members})


def refused(match: str, **members: Any) -> None:
    with pytest.raises((InvalidClientMetadata, InvalidRedirectUri), match=match):
        parse(**members)


@pytest.mark.standard("RFC 7591", "2", "defaults: code, authorization_code, client_secret_basic")
def test_defaults() -> None:
    found = parse()
    assert found.grant_types == ("authorization_code",)
    assert found.response_types == ("code",)
    assert found.token_endpoint_auth_method == "client_secret_basic"
    assert found.application_type == "web"
    assert found.id_token_signed_response_alg == "RS256"
    assert (found.gatehouse_profile, found.gatehouse_pkce) == ("default", "default")
    assert not found.is_public


@pytest.mark.standard("RFC 7591", "3.2.1", "all registered values are returned")
def test_document() -> None:
    assert parse().as_document() == {
        "redirect_uris": [REDIRECT],
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "application_type": "web",
        "id_token_signed_response_alg": "RS256",
        "require_auth_time": False,
        "subject_type": "public",
        "require_signed_request_object": False,
        "backchannel_logout_session_required": False,
        "frontchannel_logout_session_required": False,
        "gatehouse_profile": "default",
        "gatehouse_pkce": "default",
        "gatehouse_id_token_scope_claims": False,
        "gatehouse_refresh_always": False,
        "gatehouse_first_party": False,
    }


EVERYTHING: dict[str, Any] = {
    "redirect_uris": [REDIRECT, "http://localhost:8001/cb"],
    "post_logout_redirect_uris": ["https://client.example.org/"],
    "token_endpoint_auth_method": "client_secret_post",
    "token_endpoint_auth_signing_alg": "PS256",
    "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
    "response_types": ["code"],
    "application_type": "web",
    "client_name": "Wiki",
    "client_name#de": "Das Wiki",
    "client_uri": "https://client.example.org",
    "logo_uri": "https://cdn.example.org/logo.png",
    "logo_uri#de": "https://cdn.example.org/de.png",
    "policy_uri": "https://client.example.org/privacy",
    "tos_uri": "https://client.example.org/terms",
    "contacts": ["ops@example.org"],
    "scope": "openid profile offline_access",
    "id_token_signed_response_alg": "ES256",
    "default_max_age": 3600,
    "require_auth_time": True,
    "default_acr_values": ["mfa", "pwd"],
    "jwks": {"keys": [PUBLIC_KEY]},
    "backchannel_logout_uri": "http://127.0.0.1:9000/logout",
    "backchannel_logout_session_required": True,
    "frontchannel_logout_uri": "https://client.example.org/logout?x=1",
    "frontchannel_logout_session_required": False,
    "request_uris": ["https://client.example.org/request#hash"],
    "initiate_login_uri": "https://client.example.org/login",
    "sector_identifier_uri": "https://client.example.org/sector.json",
    "subject_type": "pairwise",
    "userinfo_signed_response_alg": "ES256",
    "id_token_encrypted_response_alg": "RSA-OAEP-256",
    "id_token_encrypted_response_enc": "A256GCM",
    "userinfo_encrypted_response_alg": "ECDH-ES",
    "userinfo_encrypted_response_enc": "A128GCM",
    "request_object_signing_alg": "PS512",
    "request_object_encryption_alg": "RSA-OAEP",
    "request_object_encryption_enc": "A128CBC-HS256",
    "require_signed_request_object": True,
    "software_id": "wiki",
    "software_version": "1.0",
    "gatehouse_profile": "default",
    "gatehouse_pkce": "optional",
    "gatehouse_id_token_scope_claims": True,
    "gatehouse_refresh_always": True,
    "gatehouse_first_party": True,
    "gatehouse_response_modes": ["query", "form_post"],
    "gatehouse_resources": ["https://api.example.org", "urn:example:other"],
}


@pytest.mark.standard("OIDC Registration", "2", "the whole set of metadata")
@pytest.mark.standard("RFC 7591", "2.2", "localised names")
def test_everything_comes_back() -> None:
    document = client_metadata.parse(EVERYTHING).as_document()
    assert document == EVERYTHING
    assert client_metadata.parse(document).as_document() == EVERYTHING
    json.dumps(document)


@pytest.mark.standard("RFC 7591", "2", "unknown members are ignored")
def test_unknown_members_are_ignored() -> None:
    found = parse(client_id="mine", client_secret="mine", surprise={"x": 1}, **{"scope#de": "x"})
    assert found == parse()


def test_unknown_members_of_ours_are_refused() -> None:
    refused("gatehouse_pcke", gatehouse_pcke="required")


@pytest.mark.parametrize("empty", [None, "", []])
def test_empty_members_count_as_absent(empty: object) -> None:
    for name in EVERYTHING:
        if name != "redirect_uris":
            assert parse(**{name: empty}) == parse()


@pytest.mark.standard("OIDC Core", "15.1", "algorithms by allowlist; none never")
@pytest.mark.parametrize("value", ["none", "HS256", "ES384", "rs256", "RS256 ", 256, ["RS256"]])
def test_id_token_algorithms(value: object) -> None:
    refused("id_token_signed_response_alg", id_token_signed_response_alg=value)


@pytest.mark.parametrize("method", ["client_secret_jwt", "tls_client_auth", "NONE", "x"])
def test_other_authentication_methods_are_named_and_refused(method: str) -> None:
    refused(f"{method} is not supported; supported: none, ", token_endpoint_auth_method=method)


@pytest.mark.parametrize("grant", ["password", "urn:x", "Authorization_code"])
def test_other_grants_are_refused(grant: str) -> None:
    refused("grant_types", grant_types=["authorization_code", grant])


@pytest.mark.parametrize("kind", ["token", "none", "code  id_token", "code code", "Code"])
def test_other_response_types_are_refused(kind: str) -> None:
    refused("response_types", response_types=["code", kind])


@pytest.mark.parametrize("profile", ["fapi2", "agent", "Default"])
def test_profiles_of_later_releases_are_refused(profile: str) -> None:
    refused("supported: default, native, machine", gatehouse_profile=profile)


@pytest.mark.standard("RFC 7591", "2.1", "grants and response types belong together")
@pytest.mark.parametrize(
    ("match", "members"),
    [
        ("redirect URI", {"redirect_uris": []}),
        ("redirect URI", {"redirect_uris": None}),
        ("go together", {"grant_types": ["client_credentials"], "response_types": ["code"]}),
        ("refresh_token needs", {"grant_types": ["refresh_token"]}),
        (
            "refresh_token needs",
            {"grant_types": ["client_credentials", "refresh_token"]},
        ),
        (
            "proves who it is",
            {"grant_types": ["client_credentials"], "token_endpoint_auth_method": "none"},
        ),
        (
            "gatehouse_refresh_always",
            {"gatehouse_refresh_always": True, "grant_types": ["authorization_code"]},
        ),
        ("confidential", {"token_endpoint_auth_method": "none", "gatehouse_pkce": "optional"}),
        ("machine", {"gatehouse_profile": "machine", "grant_types": ["authorization_code"]}),
        ("native", {"gatehouse_profile": "native", "application_type": "web"}),
        ("native", {"gatehouse_profile": "default", "application_type": "native"}),
        ("compatibility", {"response_types": ["code", "id_token"]}),
        ("compatibility", {"response_types": ["code id_token token"]}),
        ("implicit", {"grant_types": ["authorization_code", "implicit"], **COMPATIBLE}),
        (
            "implicit",
            {
                "grant_types": ["authorization_code"],
                "response_types": ["code", "id_token"],
                **COMPATIBLE,
            },
        ),
        (
            "go together",
            {"grant_types": ["implicit"], "response_types": ["code id_token"], **COMPATIBLE},
        ),
        (
            "not for tokens",
            {
                "response_types": ["id_token"],
                "gatehouse_response_modes": ["query"],
                **COMPATIBLE,
            },
        ),
        ("exclude", {"jwks": {"keys": [PUBLIC_KEY]}, "jwks_uri": "https://client.example.org/j"}),
        ("private_key_jwt needs", {"token_endpoint_auth_method": "private_key_jwt"}),
        (
            "private_key_jwt needs",
            {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": []}},
        ),
        ("id_token_encrypted", {"id_token_encrypted_response_alg": "RSA-OAEP"}),
        ("userinfo_encrypted", {"userinfo_encrypted_response_alg": "ECDH-ES"}),
        ("_enc needs", {"id_token_encrypted_response_enc": "A128GCM"}),
        ("require_signed", {"require_signed_request_object": True}),
    ],
)
def test_contradictions_are_refused(match: str, members: dict[str, Any]) -> None:
    refused(match, **members)


def test_check_runs_on_edited_values_too() -> None:
    with pytest.raises(InvalidClientMetadata, match="no grant"):
        client_metadata.check(ClientMetadata(redirect_uris=(REDIRECT,), grant_types=()))
    with pytest.raises(InvalidRedirectUri):
        client_metadata.check(ClientMetadata(redirect_uris=("http://evil.example/",)))
    client_metadata.check(ClientMetadata(redirect_uris=(REDIRECT,)))


@pytest.mark.standard("RFC 6749", "4.4", "client_credentials alone needs no redirect URI")
def test_machine() -> None:
    by_profile = client_metadata.parse({"gatehouse_profile": "machine"})
    by_grant = client_metadata.parse({"grant_types": ["client_credentials"]})
    assert by_profile == by_grant
    assert by_grant.gatehouse_profile == "machine"
    assert by_grant.response_types == ()


@pytest.mark.standard("RFC 8252", "7", "native applications")
def test_native() -> None:
    uris = ["com.example.app:/cb", "http://127.0.0.1/cb", REDIRECT]
    native = {"redirect_uris": uris, "token_endpoint_auth_method": "none"}
    by_type = client_metadata.parse({**native, "application_type": "native"})
    by_profile = client_metadata.parse({**native, "gatehouse_profile": "native"})
    assert by_type == by_profile
    assert by_type.is_public
    assert by_type.gatehouse_profile == "native"
    with pytest.raises(InvalidRedirectUri):
        client_metadata.parse(native)


def test_refresh_always_brings_its_grant() -> None:
    assert parse(gatehouse_refresh_always=True).grant_types == (
        "authorization_code",
        "refresh_token",
    )


@pytest.mark.standard("RFC 7591", "3.2.2", "invalid_redirect_uri names the address")
@pytest.mark.parametrize("name", ["redirect_uris", "post_logout_redirect_uris"])
def test_redirect_uris_are_validated(name: str) -> None:
    for uri in ("http://evil.example/cb", f"{REDIRECT}#", "com.example.app:/cb"):
        with pytest.raises(InvalidRedirectUri) as caught:
            parse(**{name: [uri]})
        assert uri[:10] in caught.value.description


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            (name, value)
            for name in ("redirect_uris", "contacts", "default_acr_values")
            for value in ("x", [1], [None], {"a": 1}, ["x\x00"], ["x\n"], ["\ud800"], ["x"] * 101)
        ),
        *(
            (name, value)
            for name in ("client_name", "software_id", "client_name#de", "scope")
            for value in (1, ["x"], {}, True, "x\x00", "x\ny", "\u202ex", "x" * 5000)
        ),
        *(
            (name, value)
            for name in (
                "client_uri",
                "logo_uri",
                "jwks_uri",
                "backchannel_logout_uri",
                "frontchannel_logout_uri",
                "initiate_login_uri",
                "sector_identifier_uri",
                "logo_uri#de",
            )
            for value in (
                1,
                "x",
                "http://a.example/",
                "javascript:alert(1)",
                "https://a.example/#",
                "https://u@a.example/",
                ["https://a.example/"],
                "https://é.example/",
            )
        ),
        *(
            (name, value)
            for name in (
                "require_auth_time",
                "backchannel_logout_session_required",
                "gatehouse_first_party",
                "gatehouse_refresh_always",
                "gatehouse_id_token_scope_claims",
                "frontchannel_logout_session_required",
            )
            for value in ("true", 1, 0, ["x"], {})
        ),
        *(("default_max_age", value) for value in ("60", -1, 1.5, True, 10**12, {})),
        *(("request_uris", value) for value in (["x"], ["http://a.example/"], "https://a.example")),
        *(
            ("jwks", value)
            for value in (
                "x",
                {},
                {"keys": {}},
                {"keys": [1]},
                {"keys": [{}]},
                {"keys": [{"kty": 1}]},
                {"keys": [{"kty": "oct", "kid": "1"}]},
                {"keys": [{**PUBLIC_KEY, "d": "x"}]},
                {"keys": [{"kty": "RSA", "p": "x"}]},
                {"keys": [{**PUBLIC_KEY, "x": "\x00"}]},
                {"keys": [{**PUBLIC_KEY, "x": "x" * 40000}]},
                {"keys": [{**PUBLIC_KEY, "x": {1}}]},
                {"keys": [{**PUBLIC_KEY, "x": "x"}]},
                {"keys": [PUBLIC_KEY, PUBLIC_KEY]},
            )
        ),
        ("subject_type", "ephemeral"),
        ("application_type", "service"),
        ("gatehouse_pkce", "never"),
        ("token_endpoint_auth_signing_alg", "none"),
        ("scope", 'openid "profile"'),
        *(("gatehouse_resources", value) for value in (["x"], ["https://a.example/#x"], "urn:a:b")),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_types_and_bounds(name: str, value: object) -> None:
    with pytest.raises((InvalidClientMetadata, InvalidRedirectUri)) as caught:
        parse(**{name: value})
    assert caught.value.description


@pytest.mark.standard("RFC 7591", "2", "keys by value come back as they were")
def test_jwks_by_value() -> None:
    assert parse(jwks={"keys": [PUBLIC_KEY]}).as_document()["jwks"] == {"keys": [PUBLIC_KEY]}


@pytest.mark.standard("OIDC Registration", "2", "response types of the front channel")
@pytest.mark.parametrize(
    ("response_types", "grant_types"),
    [
        (["id_token"], ["implicit"]),
        (["id_token token"], ["implicit"]),
        (["code id_token"], ["authorization_code", "implicit"]),
        (["code", "code token"], ["authorization_code", "implicit"]),
        (["code id_token token"], ["authorization_code", "implicit"]),
    ],
)
def test_compatibility(response_types: list[str], grant_types: list[str]) -> None:
    wanted = {**COMPATIBLE, "response_types": response_types}
    assert parse(**wanted).grant_types == tuple(grant_types)
    assert parse(**wanted, grant_types=grant_types).response_types == tuple(response_types)


@pytest.mark.standard("OIDC Registration", "2", "enc is A128CBC-HS256 where only alg is given")
def test_content_encryption_default() -> None:
    found = parse(id_token_encrypted_response_alg="RSA-OAEP", jwks={"keys": [PUBLIC_KEY]})
    assert found.id_token_encrypted_response_enc == "A128CBC-HS256"


def test_unsigned_userinfo_is_the_default() -> None:
    assert parse(userinfo_signed_response_alg="none") == parse()


PROTECTIONS = [
    ("dpop_bound_access_tokens", True),
    ("require_pushed_authorization_requests", True),
    ("tls_client_certificate_bound_access_tokens", True),
    ("introspection_signed_response_alg", "RS256"),
    ("authorization_signed_response_alg", "RS256"),
]


@pytest.mark.parametrize(("name", "value"), PROTECTIONS)
def test_protections_that_would_not_be_kept_are_refused(name: str, value: object) -> None:
    refused(f"{name} is not supported", **{name: value})
    for off in (False, None, "", "none"):
        assert parse(**{name: off}) == parse()


@pytest.mark.standard("RFC 7591", "3.2.2", "invalid_software_statement")
def test_software_statements_are_refused() -> None:
    with pytest.raises(InvalidSoftwareStatement):
        parse(software_statement="eyJ.x.y")


@pytest.mark.standard("RFC 7591", "5", "a stranger's addresses are on the client's host")
def test_foreign_hosts() -> None:
    client_metadata.refuse_foreign_hosts(parse(logo_uri="https://client.example.org:1/logo"))
    client_metadata.refuse_foreign_hosts(parse())
    for name in ("client_uri", "logo_uri"):
        with pytest.raises(InvalidClientMetadata, match=name):
            client_metadata.refuse_foreign_hosts(parse(**{name: "https://bank.example/"}))
    for name in ("policy_uri", "tos_uri"):
        client_metadata.refuse_foreign_hosts(parse(**{name: "https://law.example/"}))


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*EVERYTHING, "gatehouse_x"]) | st.text(), ANY_JSON))
def test_only_registration_errors_escape(document: dict[str, Any]) -> None:
    try:
        found = client_metadata.parse({"redirect_uris": [REDIRECT], **document})
    except ProtocolError as error:
        assert error.status == 400  # noqa: PT017 - both outcomes are looked at
        return
    client_metadata.check(found)
    assert client_metadata.parse(found.as_document()) == found


@given(st.sampled_from(list(EVERYTHING)), ANY_JSON)
def test_only_registration_errors_escape_one_changed_member(name: str, value: object) -> None:
    try:
        found = client_metadata.parse({**EVERYTHING, name: value})
    except ProtocolError:
        return
    assert client_metadata.parse(found.as_document()) == found
