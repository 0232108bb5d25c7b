"""A signed aggregate of thousands of service providers, as federations publish it, and its import.

`python -m deploy.bench.aggregate 5000 FILE` writes one (and `FILE.pem`, the certificate to pin);
`python -m deploy.bench.aggregate --read FILE` reads it as the service does, and prints figures;
`imported` does the whole import where Django is set up.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from federation.saml import certificate, signature, vocabulary, xml
from federation.saml.metadata import aggregate_process

# Certificates that the entities share in turn: 5,000 key pairs would take longer than the import.
DISTINCT_KEYS = 40
LANGUAGES = ("en", "de", "fr", "es")


def build(entities: int, *, padding: int = 0) -> tuple[bytes, str]:
    """The aggregate and the certificate (PEM) of the key that signed it.

    `padding`: characters of description in each language of each entity.
    """
    private_key = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    pem = _certificate(private_key, "Federation operator")
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    root = xml.new("md:EntitiesDescriptor", prefixes=("ds", "mdui", "shibmd"))
    for name, value in {
        "ID": "_aggregate",
        "Name": "urn:bench:federation",
        "validUntil": (now + dt.timedelta(days=10)).isoformat().replace("+00:00", "Z"),
        "cacheDuration": "PT6H",
    }.items():
        xml.set_attribute(root, name, value)
    certificates = [_bare(ec.generate_private_key(ec.SECP256R1())) for _ in range(DISTINCT_KEYS)]
    certificates += [_bare(rsa.generate_private_key(65537, 2048)) for _ in range(4)]
    for number in range(entities):
        _add_entity(root, number, certificates[-1 - number % 4], padding)
    signature.sign(root, key=signature.SigningKey(private_key, pem))
    return xml.serialise(root), pem.decode()


def _add_entity(root: xml.Element, number: int, text: str, padding: int) -> None:
    host = f"https://sp{number}.example.edu"
    entity = xml.add(
        root,
        "md:EntityDescriptor",
        attributes={"entityID": f"{host}/shibboleth", "ID": f"_e{number}"},
    )
    role = xml.add(
        entity,
        "md:SPSSODescriptor",
        attributes={
            "protocolSupportEnumeration": vocabulary.SAMLP,
            "AuthnRequestsSigned": "true",
        },
    )
    information = xml.add(xml.add(role, "md:Extensions"), "mdui:UIInfo")
    for language in LANGUAGES:
        _add_words(information, "mdui:DisplayName", language, f"Library service {number}")
    for language in LANGUAGES:
        words = f"The reading room of university {number}." + " lorem" * (padding // 6)
        _add_words(information, "mdui:Description", language, words)
    _add_words(information, "mdui:PrivacyStatementURL", "en", f"{host}/privacy")
    for use in ("signing", "encryption"):
        key = xml.add(role, "md:KeyDescriptor", attributes={"use": use})
        data = xml.add(xml.add(key, "ds:KeyInfo"), "ds:X509Data")
        xml.add(data, "ds:X509Certificate", text)
    for index, path in enumerate(("/acs", "/acs/second")):
        xml.add(
            role,
            "md:AssertionConsumerService",
            attributes={
                "Binding": vocabulary.POST,
                "Location": f"{host}{path}",
                "index": str(index),
            },
        )
    organization = xml.add(entity, "md:Organization")
    for name, value in (
        ("md:OrganizationName", f"University {number}"),
        ("md:OrganizationDisplayName", f"University {number}"),
        ("md:OrganizationURL", host),
    ):
        _add_words(organization, name, "en", value)
    contact = xml.add(entity, "md:ContactPerson", attributes={"contactType": "technical"})
    xml.add(contact, "md:EmailAddress", f"mailto:it@sp{number}.example.edu")


def _add_words(parent: xml.Element, name: str, language: str, value: str) -> None:
    xml.add(parent, name, value, attributes={f"{{{vocabulary.XML}}}lang": language})


def _bare(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return certificate.base64_der(x509.load_pem_x509_certificate(_certificate(key, "sp")))


def _certificate(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, name: str) -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=3650))
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )


def read(file: Path, pem: str) -> dict[str, object]:
    """What reading a file takes in the process that does it, and what comes out."""
    with tempfile.NamedTemporaryFile() as output:
        task = aggregate_process.Task(
            file=str(file),
            output=output.name,
            now=dt.datetime.now(dt.UTC).isoformat(),
            certificates=(pem,),
        )
        begin = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", aggregate_process.__name__],
            input=json.dumps(asdict(task)).encode(),
            capture_output=True,
            check=False,
        )
        seconds = time.monotonic() - begin
        outcome = (
            json.loads(done.stdout)
            if done.stdout
            else {"check": "died", "detail": done.stderr.decode()[-300:]}
        )
        outcome["written"] = Path(output.name).stat().st_size
    return {"seconds": round(seconds, 2), "size": file.stat().st_size, **outcome}


def imported(file: Path, pem: str) -> dict[str, object]:
    """What importing a file takes in a process of the service: Django is set up, a database there.

    Twice: into nothing, then with nothing new. `grown`: by how much this process is larger
    afterwards, in bytes; `child`: the peak of the process that read the document.
    """
    from django.utils import timezone

    from federation.identity_provider.metadata_sources import refreshing
    from federation.models import MetadataSource

    source = MetadataSource.objects.create(name="bench", kind="file", signing_certificates=[pem])
    before, found = _resident(), {}
    for name in ("first", "again"):
        wall, cpu = time.monotonic(), time.process_time()
        if not refreshing.refresh_from(source, file, now=timezone.now()):
            source.refresh_from_db()
            raise RuntimeError(source.error)
        found[f"{name}_seconds"] = round(time.monotonic() - wall, 2)
        found[f"{name}_cpu"] = round(time.process_time() - cpu, 2)
    figures = {"child": source.figures["peak"], "child_cpu": source.figures["cpu"]}
    return {"entities": source.entity_count, "grown": _resident() - before, **figures, **found}


def _resident() -> int:
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


def main() -> None:
    """Write or read one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--read", type=Path, metavar="FILE")
    parser.add_argument("--padding", type=int, default=0)
    parser.add_argument("entities", type=int, nargs="?")
    parser.add_argument("file", type=Path, nargs="?")
    options = parser.parse_args()
    if options.read is not None:
        print(json.dumps(read(options.read, Path(f"{options.read}.pem").read_text()), indent=2))
        return
    document, pem = build(options.entities, padding=options.padding)
    options.file.write_bytes(document)
    Path(f"{options.file}.pem").write_text(pem)


if __name__ == "__main__":
    main()
