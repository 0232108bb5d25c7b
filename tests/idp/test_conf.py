"""Settings from the environment: what is refused, and in which words."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest

from idp import conf
from tests.support.receiver import Authority

KEY = base64.urlsafe_b64encode(b"k" * 32).decode()
GOOD = {
    "GATEHOUSE_ISSUER": "https://id.example.org",
    "GATEHOUSE_SECRET_KEY": "s" * 50,
    "GATEHOUSE_MASTER_KEY": KEY,
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    import os

    for name in os.environ:
        if name.startswith("GATEHOUSE_"):
            monkeypatch.delenv(name)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_reads_a_sound_environment(environment):
    settings = conf.load()
    assert settings.https
    assert settings.cookie("session") == "__Host-gatehouse_session"
    assert settings.code_lifetime == timedelta(seconds=60)
    assert settings.url("/token") == "https://id.example.org/token"


def test_loopback_may_go_without_tls(environment):
    environment.setenv("GATEHOUSE_ISSUER", "http://localhost:8000")
    assert conf.load().cookie("session") == "gatehouse_session"


@pytest.mark.parametrize("value", ["30", "PT30S", "00:00:30"])
def test_reads_durations(environment, value):
    environment.setenv("GATEHOUSE_CODE_LIFETIME", value)
    assert conf.load().code_lifetime == timedelta(seconds=30)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("ISSUER", "http://id.example.org", "https"),
        ("EMAIL_URL", "mail.example.org", "smtp://"),
        ("EMAIL_URL", "smtp://me:hunter2@mail.example.org?x=1", "neither query"),
        ("PRIVACY_URL", "javascript:alert(1)", "https://"),
        ("INFORMATION_URL", "https://", "https://"),
        ("ORGANIZATION_URL", "https://example.org/a b", "https://"),
        ("TECHNICAL_CONTACT", "nobody", "e-mail"),
        ("SAML_LOGO", "https://example.org/logo.png", "120x60"),
        ("SAML_LOGO", "https://example.org/logo.png 120x", "120x60"),
        ("ISSUER", "https://id.example.org/", "slash"),
        ("ISSUER", "https://id.example.org/path", "path"),
        ("ISSUER", "https://id.example.org?x=1", "query"),
        ("ISSUER", "https://id.example.org#", "fragment"),
        ("ISSUER", "https://me@id.example.org", "user information"),
        ("ISSUER", "https://ID.example.org", "lower case"),
        ("ISSUER", "ftp://localhost", "https"),
        ("SECRET_KEY", "short", "32"),
        ("MASTER_KEY", "not-a-key", "44 characters"),
        ("MASTER_KEY", "", "at least 1"),
        ("LOG_LEVEL", "LOUD", "DEBUG"),
        ("CODE_LIFETIME", "PT5M", "at most"),
        ("CODE_LIFETIME", "300", "at most"),
        ("CODE_LIFETIME", "0", "above 0"),
        ("SESSION_IDLE", "9" * 30, "SESSION_IDLE"),
        ("CODE_LIFETIME", "soon", "CODE_LIFETIME"),
        ("TRUSTED_PROXIES", "10.0.0.0/33", "TRUSTED_PROXIES"),
        ("PASSWORD_MINIMUM_LENGTH", "4", "8"),
        ("SAML_SCOPE", "https://example.org", "domain"),
        ("SAML_SCOPE", "-example.org", "domain"),
        ("SAML_SCOPE", "example.org ", "domain"),
        ("SAML_SCOPE", "x" * 128, "127"),
    ],
)
def test_refuses_and_names_the_variable(environment, name, value, words):
    environment.setenv(f"GATEHOUSE_{name}", value)
    with pytest.raises(conf.InsecureSettings) as refusal:
        conf.load()
    assert f"GATEHOUSE_{name}" in str(refusal.value)
    assert words in str(refusal.value)


@pytest.mark.parametrize("name", ["ISSUER", "SECRET_KEY", "MASTER_KEY"])
def test_refuses_what_is_missing(environment, name):
    environment.delenv(f"GATEHOUSE_{name}")
    with pytest.raises(conf.InsecureSettings, match=f"GATEHOUSE_{name}: Field required"):
        conf.load()


def test_refuses_idle_beyond_absolute(environment):
    environment.setenv("GATEHOUSE_REFRESH_IDLE", "P100D")
    with pytest.raises(conf.InsecureSettings, match="GATEHOUSE_REFRESH_IDLE"):
        conf.load()


def test_scope_of_subject_identifiers(environment):
    assert conf.load().scope == "id.example.org"
    environment.setenv("GATEHOUSE_SAML_SCOPE", "Example.org")
    assert conf.load().scope == "example.org"


def test_shows_no_secret(environment):
    shown = repr(conf.load())
    assert KEY not in shown
    assert "s" * 50 not in shown


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", ()),
        ("localhost, 127.0.0.1:8443", ("localhost", "127.0.0.1:8443")),
        ("Receiver.Internal", ("receiver.internal",)),
        ("::1,[::1]:9000,[0:0::1]", ("[::1]", "[::1]:9000", "[::1]")),
    ],
)
def test_outbound_allow(environment, value, expected):
    environment.setenv("GATEHOUSE_OUTBOUND_ALLOW", value)
    assert conf.load().outbound_allow == expected


@pytest.mark.parametrize(
    "value",
    [
        "https://localhost",
        "localhost/path",
        "user@localhost",
        "localhost:x",
        "*",
        "a b",
        ":80",
        "[x]",
        "[::1",
        "::1%eth0",
        "10.0.0.0/8",
        "exämple.org",
    ],
)
def test_outbound_allow_is_hosts(environment, value):
    environment.setenv("GATEHOUSE_OUTBOUND_ALLOW", value)
    with pytest.raises(conf.InsecureSettings, match=r"GATEHOUSE_OUTBOUND_ALLOW: .*host"):
        conf.load()


def test_ca_bundle(environment, tmp_path):
    assert conf.load().ca_bundle is None
    environment.setenv("GATEHOUSE_CA_BUNDLE", "")
    assert conf.load().ca_bundle is None
    authority = Authority(tmp_path)
    environment.setenv("GATEHOUSE_CA_BUNDLE", str(authority.ca_file))
    assert conf.load().ca_bundle == authority.ca_file


def test_ca_bundle_that_is_none(environment, tmp_path):
    environment.setenv("GATEHOUSE_CA_BUNDLE", str(tmp_path / "missing.pem"))
    with pytest.raises(conf.InsecureSettings, match="GATEHOUSE_CA_BUNDLE: the file cannot be read"):
        conf.load()
    (tmp_path / "empty.pem").write_text("nothing")
    environment.setenv("GATEHOUSE_CA_BUNDLE", str(tmp_path / "empty.pem"))
    with pytest.raises(conf.InsecureSettings, match=r"GATEHOUSE_CA_BUNDLE: .*PEM"):
        conf.load()
