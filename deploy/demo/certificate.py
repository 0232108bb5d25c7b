"""A throw-away certificate authority for the demonstration over https (`demo --tls`).

It signs one server certificate for this machine's own names and is then forgotten: its key is never
written, so nobody who finds the folder can make another certificate. Both are made anew a month
before they expire.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = timedelta(days=397)
RENEWED_BEFORE = timedelta(days=30)
NAMES = ("localhost", "127.0.0.1", "::1")
EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - compared only
PEM = serialization.Encoding.PEM


@dataclass(frozen=True, slots=True)
class Pair:
    """PEM texts: the authority to trust, the server's certificate with its chain, its key."""

    authority: str
    certificate: str
    key: str


def is_good(pair: Pair, *, host: str, now: datetime | None = None) -> bool:
    """Whether the three belong together, are for these names, and for a month to come.

    A run that was ended while it wrote them may have left a part of an older pair.
    """
    now = now or datetime.now(UTC)
    try:
        authority = x509.load_pem_x509_certificate(pair.authority.encode())
        found = x509.load_pem_x509_certificate(pair.certificate.encode())
        key = serialization.load_pem_private_key(pair.key.encode(), None)
        found.verify_directly_issued_by(authority)
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm, x509.ExtensionNotFound):
        return False
    return (
        key.public_key() == found.public_key()
        and {_general_name(name) for name in _names(host)} <= {*names}
        and found.not_valid_before_utc <= now < found.not_valid_after_utc - RENEWED_BEFORE
    )


def make(*, host: str, now: datetime | None = None) -> Pair:
    """A new authority with one server certificate for loopback and `host`."""
    now = now or datetime.now(UTC)
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name = _name(f"Gatehouse demonstration {now:%Y-%m-%d %H:%M}")
    ca_identifier = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())
    ca = (
        _builder(ca_name, ca_name, ca_key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
        .add_extension(ca_identifier, critical=False)
        .add_extension(_constraints(host), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    server = (
        _builder(_name("localhost"), ca_name, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([_general_name(name) for name in _names(host)]),
            critical=False,
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ca_identifier),
            critical=False,
        )
        .sign(ca_key, hashes.SHA256())
    )
    private = key.private_bytes(
        PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    authority = ca.public_bytes(PEM).decode()
    return Pair(authority, server.public_bytes(PEM).decode() + authority, private.decode())


def _names(host: str) -> tuple[str, ...]:
    return NAMES if host in (*NAMES, *EVERY_ADDRESS) else (*NAMES, host)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _constraints(host: str) -> x509.NameConstraints:
    """Whoever trusts the authority trusts it for this machine alone."""
    networks = [ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")]
    permitted: list[x509.GeneralName] = [x509.DNSName("localhost")]
    for name in _names(host)[len(NAMES) :]:
        found = _general_name(name)
        if isinstance(found, x509.IPAddress):
            networks.append(ipaddress.ip_network(name))
        else:
            permitted.append(found)
    return x509.NameConstraints([*permitted, *map(x509.IPAddress, networks)], None)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime
) -> x509.CertificateBuilder:
    begin = now - timedelta(hours=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + LIFETIME)
    )


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
