"""The demonstration's folder: secrets for their owner alone, made once."""

from __future__ import annotations

import stat
from pathlib import Path

from cryptography import x509

from deploy.demo import environment


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
