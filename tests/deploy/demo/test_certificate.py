"""The throw-away authority: one server, this machine's names, for a while."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from deploy.demo import certificate, environment


def write(folder: Path, text: str) -> Path:
    path = folder / "server.crt"
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_is_for_loopback(name: str) -> None:
    pair = certificate.make(host="127.0.0.1")
    (server, *_) = x509.load_pem_x509_certificates(pair.certificate.encode())
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert certificate._general_name(name) in names


def test_is_for_no_more_than_was_asked(tmp_path: Path) -> None:
    served = write(tmp_path, certificate.make(host="0.0.0.0").certificate)
    assert certificate.is_good(served, host="127.0.0.1")
    assert not certificate.is_good(served, host="demo.example")
    served = write(tmp_path, certificate.make(host="demo.example").certificate)
    assert certificate.is_good(served, host="demo.example")


def test_is_renewed_in_time(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    served = write(tmp_path, certificate.make(host="localhost", now=now).certificate)
    assert certificate.is_good(served, host="localhost", now=now + timedelta(days=360))
    assert not certificate.is_good(served, host="localhost", now=now + timedelta(days=370))
    assert not certificate.is_good(tmp_path / "missing", host="localhost")


def test_the_authority_is_for_this_machine_alone() -> None:
    pair = certificate.make(host="127.0.0.1")
    authority = x509.load_pem_x509_certificate(pair.authority.encode())
    found = authority.extensions.get_extension_for_class(x509.NameConstraints)
    assert found.critical
    assert x509.DNSName("localhost") in (found.value.permitted_subtrees or [])
    assert (
        authority.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0
    )


def test_server_and_client_get_along(tmp_path: Path) -> None:
    pair = certificate.make(host="127.0.0.1")
    (tmp_path / "key").write_text(pair.key)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(write(tmp_path, pair.certificate), tmp_path / "key")
    client = ssl.create_default_context(cadata=pair.authority)
    for name in ("localhost", "127.0.0.1"):
        shake_hands(client, server, name)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(client, server, "example.org")


def shake_hands(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> None:
    """A whole handshake in memory."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server, server_hostname=name)
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (ours, theirs):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert ours.version() in ("TLSv1.2", "TLSv1.3")


def test_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    demonstration = environment.at(tmp_path / "data", port=9000, tls=True)
    demonstration.make_server_pair(host="127.0.0.1")
    first = demonstration.authority.read_bytes()
    demonstration.make_server_pair(host="127.0.0.1")
    assert demonstration.authority.read_bytes() == first
    assert {path.stat().st_mode & 0o777 for path in demonstration.data.iterdir()} == {0o600}
    environment.at(tmp_path / "plain", port=9000).make_server_pair(host="127.0.0.1")
    assert not list((tmp_path / "plain").iterdir())
