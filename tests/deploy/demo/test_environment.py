"""The demonstration's folder: secrets for their owner alone, made once."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import requests
from cryptography import x509

from deploy.demo import certificate, environment


def mode(path: Path) -> int:
    """The permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


def test_keeps_its_secrets_between_runs(tmp_path: Path) -> None:
    first = environment.at(tmp_path / "data", port=9000).environment()
    second = environment.at(tmp_path / "data", port=9000).environment()
    for name in ("GATEHOUSE_SECRET_KEY", "GATEHOUSE_MASTER_KEY"):
        assert first[name] == second[name]


def test_everything_is_for_its_owner_alone(tmp_path: Path) -> None:
    demonstration = environment.at(tmp_path / "data", port=9000)
    demonstration.environment()
    demonstration.saml_pair()
    demonstration.write({"port": 9000})
    assert mode(demonstration.data) == 0o700
    assert {mode(path) for path in demonstration.data.iterdir()} == {0o600}


def test_remembers_the_last_port_for_manage(tmp_path: Path) -> None:
    environment.at(tmp_path, port=9000).write({"port": 9000})
    assert environment.at(tmp_path, port=None).issuer == "http://localhost:9000"
    assert environment.at(tmp_path, port=9100).saas_application == "http://localhost:9102"


def test_makes_a_certificate_once(tmp_path: Path) -> None:
    demonstration = environment.at(tmp_path, port=9000)
    certificate, key = demonstration.saml_pair()
    assert (certificate, key) == demonstration.saml_pair()
    assert x509.load_pem_x509_certificate(certificate.encode()).subject


def test_https_when_asked_and_as_last_time(tmp_path: Path) -> None:
    demonstration = environment.at(tmp_path, port=9000, tls=True)
    assert demonstration.issuer == "https://localhost:9000"
    assert demonstration.saas_application == "https://localhost:9002"
    demonstration.write({"port": 9000, "tls": True})
    assert environment.at(tmp_path, port=None).issuer == "https://localhost:9000"
    assert environment.at(tmp_path, port=9000, tls=False).issuer == "http://localhost:9000"


def test_whom_the_guard_lets_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATEHOUSE_OUTBOUND_ALLOW", raising=False)
    monkeypatch.delenv("GATEHOUSE_CA_BUNDLE", raising=False)
    plain = environment.at(tmp_path, port=9000).environment()
    assert plain["GATEHOUSE_OUTBOUND_ALLOW"] == "localhost,127.0.0.1,[::1]"
    assert "GATEHOUSE_CA_BUNDLE" not in plain
    demonstration = environment.at(tmp_path, port=9000, tls=True)
    demonstration.make_server_pair(host="127.0.0.1")
    assert demonstration.environment()["GATEHOUSE_CA_BUNDLE"] == str(tmp_path / "ca.pem")
    theirs = tmp_path / "theirs.pem"
    their_authority = certificate.make(host="127.0.0.1").authority
    theirs.write_text("A file often has words between them: \xe9\n" + their_authority)
    monkeypatch.setenv("GATEHOUSE_CA_BUNDLE", str(theirs))
    monkeypatch.setenv("GATEHOUSE_OUTBOUND_ALLOW", "suite.example:8443")
    both = demonstration.environment()
    assert both["GATEHOUSE_OUTBOUND_ALLOW"].startswith("suite.example:8443,localhost,")
    bundle = Path(both["GATEHOUSE_CA_BUNDLE"]).read_text()
    assert their_authority in bundle
    assert demonstration.authority.read_text() in bundle


def test_says_what_is_wrong_with_the_callers_authorities(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demonstration = environment.at(tmp_path, port=9000, tls=True)
    demonstration.make_server_pair(host="127.0.0.1")
    monkeypatch.setenv("GATEHOUSE_CA_BUNDLE", str(tmp_path / "nowhere.pem"))
    with pytest.raises(SystemExit, match=r"GATEHOUSE_CA_BUNDLE: .*nowhere.pem cannot be read"):
        demonstration.environment()
    (tmp_path / "nowhere.pem").write_text("no certificates")
    with pytest.raises(SystemExit, match=r"GATEHOUSE_CA_BUNDLE: .* must hold certificates"):
        demonstration.environment()


@pytest.mark.parametrize("theirs", ["", "internal.example"])
def test_a_proxy_is_not_asked_for_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, theirs: str
) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("NO_PROXY", theirs)
    monkeypatch.setenv("no_proxy", environment.at(tmp_path, port=9000).environment()["no_proxy"])
    assert requests.utils.should_bypass_proxies("https://localhost:9000", no_proxy=None)
    assert requests.utils.should_bypass_proxies("https://internal.example", None) is bool(theirs)
