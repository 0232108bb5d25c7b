"""The throw-away authority: one server, this machine's names, for a while."""

from __future__ import annotations

import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from deploy.demo import certificate, environment


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_is_for_loopback(name: str) -> None:
    pair = certificate.make(host="127.0.0.1")
    (server, *_) = x509.load_pem_x509_certificates(pair.certificate.encode())
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert certificate._general_name(name) in names


def test_is_for_no_more_than_was_asked() -> None:
    pair = certificate.make(host="0.0.0.0")
    assert certificate.is_good(pair, host="127.0.0.1")
    assert not certificate.is_good(pair, host="demo.example")
    assert certificate.is_good(certificate.make(host="demo.example"), host="demo.example")


def test_lasts_no_longer_than_browsers_take() -> None:
    pair = certificate.make(host="localhost")
    for made in x509.load_pem_x509_certificates(pair.certificate.encode()):
        lifetime = made.not_valid_after_utc - made.not_valid_before_utc
        assert lifetime <= timedelta(days=397)


def test_is_renewed_in_time() -> None:
    now = datetime.now(UTC)
    pair = certificate.make(host="localhost", now=now)
    assert certificate.is_good(pair, host="localhost", now=now + timedelta(days=360))
    assert not certificate.is_good(pair, host="localhost", now=now + timedelta(days=370))
    assert not certificate.is_good(pair, host="localhost", now=now - timedelta(days=1))


@pytest.mark.parametrize("part", ["authority", "certificate", "key"])
@pytest.mark.parametrize("broken", ["another's", "missing", "cut off"])
def test_parts_that_do_not_belong_together_are_not_good(part: str, broken: str) -> None:
    pair, other = (certificate.make(host="localhost") for _ in range(2))
    assert certificate.is_good(pair, host="localhost")
    texts = {"another's": getattr(other, part), "missing": "", "cut off": getattr(pair, part)[:100]}
    changed = replace(pair, **{part: texts[broken]})
    assert not certificate.is_good(changed, host="localhost")


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
    both = tmp_path / "both.pem"
    both.write_text(pair.key + pair.certificate)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(both)
    client = ssl.create_default_context(cadata=pair.authority)
    # What Python 3.13 demands of everybody: extensions exactly as in RFC 5280.
    client.verify_flags |= ssl.VERIFY_X509_STRICT
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


def test_is_made_once_and_only_the_authority_is_for_everybody(tmp_path: Path) -> None:
    demonstration = environment.at(tmp_path / "data", port=9000, tls=True)
    assert demonstration.make_server_pair(host="127.0.0.1")
    first = demonstration.authority.read_bytes()
    assert not demonstration.make_server_pair(host="127.0.0.1")
    assert demonstration.authority.read_bytes() == first
    modes = {path.name: path.stat().st_mode & 0o777 for path in demonstration.data.iterdir()}
    assert modes == {"ca.pem": 0o644, "tls-server.crt": 0o600, "tls-server.key": 0o600}
    assert not environment.at(tmp_path / "plain", port=9000).make_server_pair(host="127.0.0.1")
    assert not list((tmp_path / "plain").iterdir())


@pytest.mark.parametrize("name", ["ca.pem", "tls-server.crt", "tls-server.key"])
def test_is_made_anew_when_a_part_is_lost(tmp_path: Path, name: str) -> None:
    demonstration = environment.at(tmp_path, port=9000, tls=True)
    demonstration.make_server_pair(host="127.0.0.1")
    (tmp_path / name).write_bytes(b"\xff")
    assert demonstration.make_server_pair(host="127.0.0.1")
    assert not demonstration.make_server_pair(host="127.0.0.1")
