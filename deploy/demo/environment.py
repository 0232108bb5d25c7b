"""Where the demonstration keeps its things, and the environment that Gatehouse gets there.

Everything is in one folder (`var/` unless told otherwise): database, the secrets made on
the first run, the credentials of the people and of the two applications, all for their owner alone.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import secrets
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
DEFAULT_DATA = ROOT / "var"
DEFAULT_PORT = 8000
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True)
class Demonstration:
    """One demonstration: its folder, the port of its identity provider, whether it speaks https."""

    data: Path
    port: int
    tls: bool = False

    @property
    def issuer(self) -> str:
        """The identity provider's address."""
        return self.address(0)

    @property
    def web_application(self) -> str:
        """The address of the application that speaks OpenID Connect."""
        return self.address(1)

    @property
    def saas_application(self) -> str:
        """The address of the application that speaks SAML."""
        return self.address(2)

    def address(self, number: int) -> str:
        """The address of one of the three programs."""
        scheme = "https" if self.tls else "http"
        return f"{scheme}://localhost:{self.port + number}"

    @property
    def authority(self) -> Path:
        """The certificate authority that whoever speaks https with us has to trust."""
        return self.data / "ca.pem"

    @property
    def server_pair(self) -> tuple[Path, Path] | None:
        """Where all three programs find certificate and key; None over plain http."""
        if not self.tls:
            return None
        return self.data / "tls-server.crt", self.data / "tls-server.key"

    def make_server_pair(self, *, host: str) -> bool:
        """Make what https needs, unless it is there and good; whether it was made."""
        from deploy.demo import certificate

        if self.server_pair is None:
            return False
        places = (self.authority, *self.server_pair)
        found = (path.read_text("ascii", "replace") if path.exists() else "" for path in places)
        if certificate.is_good(certificate.Pair(*found), host=host):
            return False
        made = certificate.make(host=host)
        for path, text in zip(places, (made.authority, made.certificate, made.key), strict=True):
            write_private(path, text)
        # It is no secret: where others may enter the folder, their browsers may trust it too.
        self.authority.chmod(0o644)
        return True

    def environment(self) -> dict[str, str]:
        """The caller's environment with the demonstration's own settings in it."""
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "idp.settings",
            "GATEHOUSE_ISSUER": self.issuer,
            "GATEHOUSE_DATA_DIR": str(self.data),
            "GATEHOUSE_SECRET_KEY": self.secret("secret-key", secrets.token_urlsafe(48)),
            "GATEHOUSE_MASTER_KEY": self.secret("master-key", master_key()),
            "GATEHOUSE_EMAIL_URL": (self.data.resolve() / "mail").as_uri(),
            # Applications on this machine are told of sign-outs, and asked for their keys.
            "GATEHOUSE_OUTBOUND_ALLOW": ",".join([*theirs("GATEHOUSE_OUTBOUND_ALLOW"), *LOOPBACK]),
            # The applications ask Gatehouse itself, whatever proxy leads outside.
            "no_proxy": ",".join([*theirs("no_proxy"), *theirs("NO_PROXY"), "localhost"]),
            **self.trust(),
        }

    def trust(self) -> dict[str, str]:
        """Whom Gatehouse and the applications believe: our authority, and the caller's own."""
        if not self.tls:
            return {}
        bundle = self.authority
        if path := os.environ.get("GATEHOUSE_CA_BUNDLE"):
            bundle = self.data / "ca-bundle.pem"
            texts = [read_bundle(Path(path)), self.authority.read_text()]
            write_private(bundle, "\n".join(texts))
        return {"GATEHOUSE_CA_BUNDLE": str(bundle), "REQUESTS_CA_BUNDLE": str(self.authority)}

    def secret(self, name: str, fresh: str) -> str:
        """The secret kept in the file `name`; `fresh` becomes it on the first run."""
        path = self.data / name
        if not path.exists():
            write_private(path, fresh + "\n")
        return path.read_text().strip()

    @property
    def password(self) -> str:
        """The people's password as it was last given out, or an empty string."""
        path = self.data / "demo-credentials"
        lines = path.read_text().splitlines() if path.exists() else []
        return lines[0].partition(" ")[2] if lines else ""

    def saml_pair(self) -> tuple[str, str]:
        """Certificate and key (PEM) of the SaaS application; made on the first run."""
        key, certificate = self.data / "saas-application.key", self.data / "saas-application.crt"
        if not (key.exists() and certificate.exists()):
            new_certificate, new_key = self_signed("Demo SaaS application")
            write_private(key, new_key)
            write_private(certificate, new_certificate)
        return certificate.read_text(), key.read_text()

    def registered(self, address: str) -> dict[str, Any]:
        """What registering the application at this address returned, or nothing yet."""
        return self.read().get("registrations", {}).get(address, {})

    def read(self) -> dict[str, Any]:
        """What earlier runs noted: the last port, and the applications' registrations."""
        path = self.data / "demo.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def write(self, notes: dict[str, Any]) -> None:
        """Keep notes for the next run."""
        write_private(self.data / "demo.json", json.dumps(notes, indent=2) + "\n")


def at(data: Path | None, *, port: int | None, tls: bool | None = None) -> Demonstration:
    """The demonstration in a folder, which is made.

    Without `port` on the one it had last; `tls` None: http or https as last time.
    """
    folder = (data or DEFAULT_DATA).absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    last = Demonstration(folder, DEFAULT_PORT).read()
    spoken = last.get("tls", False) if tls is None else tls
    return Demonstration(folder, port or last.get("port", DEFAULT_PORT), spoken)


def theirs(name: str) -> list[str]:
    """What the caller's own variable lists."""
    return [part for part in os.environ.get(name, "").split(",") if part.strip()]


def read_bundle(path: Path) -> str:
    """The caller's own authorities, or an end that says what is wrong with them."""
    from cryptography import x509

    try:
        x509.load_pem_x509_certificates(path.read_bytes())
        return path.read_text(errors="replace")
    except OSError as error:
        sys.exit(f"GATEHOUSE_CA_BUNDLE: {path.absolute()} cannot be read: {error.strerror}")
    except ValueError:
        sys.exit(f"GATEHOUSE_CA_BUNDLE: {path.absolute()} must hold certificates in PEM")


def application_options(arguments: list[str]) -> argparse.Namespace:
    """The command line that both applications have."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path)
    parser.add_argument("--port", type=int, help="of the identity provider")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--tls", action="store_true", help="speak https")
    return parser.parse_args(arguments)


def self_signed(name: str) -> tuple[str, str]:
    """A certificate for SAML with its RSA key: nobody checks its chain, only the key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(subject, subject, key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=3650))
    certificate = builder.sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    return certificate.public_bytes(pem).decode(), private.decode()


def master_key() -> str:
    """32 random bytes as Fernet takes them."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        handle.write(text)
    draft.replace(path)
