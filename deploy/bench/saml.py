"""Measures SAML in one process, without server and database: what signing and refusing cost.

CPU time of this process and ratios within the run, the median of the rounds; python3-saml signs the
same Response beside us. Nothing of it depends on how busy the machine is, or little.
Usage: python3 deploy/bench/saml.py [--rounds N] [--entities N] [--only signing|refusals|metadata]
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from onelogin.saml2.utils import OneLogin_Saml2_Utils  # noqa: E402 (path first)

from deploy.bench import signing  # noqa: E402 (path first)
from federation.saml import (  # noqa: E402 (path first)
    assertion,
    datatypes,
    encryption,
    errors,
    name_id,
    response,
    signature,
    status_response,
    vocabulary,
    xml,
)
from federation.saml.metadata import aggregate_process  # noqa: E402 (path first)
from tests.attacks.saml import corpus, receiving, service_provider  # noqa: E402 (path first)
from tests.attacks.saml.service_provider import ServiceProvider  # noqa: E402 (path first)

SP = ServiceProvider()
IDP = "https://idp.example/saml/metadata"
MOST_OF_A_REFUSAL = 0.050
SIZE_OF_A_REFUSAL = 256 * 1024
SHOWN = 5
# A refusal is measured so often and the least counts: the rest is other programs' doing.
TRIES = 3


def main() -> int:
    """Measure what was chosen and print tables; 1 if a refusal costs too much."""
    options = arguments()
    too_dear = False
    if options.only in (None, "signing"):
        print(sign(options.rounds))
    if options.only in (None, "refusals"):
        text, too_dear = refuse()
        print(text)
    if options.only in (None, "metadata"):
        print(read_metadata(options.entities))
    return 1 if too_dear else 0


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--entities", type=int, default=5_000)
    parser.add_argument("--only", choices=("signing", "refusals", "metadata"))
    return parser.parse_args()


# ----- signing -----


def sign(rounds: int) -> str:
    """Responses with two signatures, beside two raw signatures and two of python3-saml."""
    steps = _steps()
    spent: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            spent[name].append(signing.microseconds(step, seconds=0.2))
    raw = statistics.median(spent["raw"])
    lines = ["| Response | CPU µs | share of the raw rate |", "| --- | --- | --- |"]
    for name, values in spent.items():
        # Within a round both see the same machine.
        share = statistics.median(a / b for a, b in zip(spent["raw"], values, strict=True))
        lines.append(f"| {name} | {statistics.median(values):.0f} | {share:.2f} |")
    return "\n".join([*lines, f"\nraw: two RSA-2048 signatures, {raw:.0f} µs\n"])


def _steps() -> dict[str, Callable[[], object]]:
    private_key = service_provider.rsa_key("identity provider")
    pem = service_provider.pem(service_provider.certificate(private_key))
    key = signature.SigningKey(private_key, pem)
    both = response.Protection(key=key)
    encrypted = response.Protection(
        key=key, encrypt_to=encryption.encryption_key(service_provider.base64_der(SP.certificate))
    )
    content = _assertion()
    private_pem = service_provider.private_pem(private_key).decode()

    def raw() -> None:
        for _ in range(2):
            key.sign(signing.PAYLOAD, algorithm=vocabulary.RSA_SHA256)

    def python3_saml() -> None:
        """What it offers an identity provider: to sign text, the assertion and then the whole."""
        outer, inner = _unsigned(content)
        done = OneLogin_Saml2_Utils.add_sign(inner, private_pem, pem, vocabulary.RSA_SHA256)
        whole = outer.replace(b"<inner/>", done)
        OneLogin_Saml2_Utils.add_sign(whole, private_pem, pem, vocabulary.RSA_SHA256)

    return {
        "raw": raw,
        "both signed": lambda: response.build_signed_response(content, protection=both),
        "both signed, by python3-saml": python3_saml,
        "both signed, encrypted": lambda: response.build_signed_response(
            content, protection=encrypted
        ),
    }


def _unsigned(content: assertion.Assertion) -> tuple[bytes, bytes]:
    """A Response with a place for the assertion, and the assertion, made as ours are."""
    built = status_response.new(
        "samlp:Response",
        identifier=datatypes.new_id(),
        issuer=content.issuer,
        destination=content.recipient,
        in_response_to=content.in_response_to,
        issue_instant=content.issue_instant,
    )
    status_response.add_status(built, (vocabulary.SUCCESS,))
    end = b"</samlp:Response>"
    outer = xml.serialise(built).replace(end, b"<inner/>" + end)
    return outer, xml.serialise(assertion.build(content))


def _assertion() -> assertion.Assertion:
    now = datetime.now(UTC)
    return assertion.Assertion(
        issuer=IDP,
        audience=SP.entity_id,
        recipient=SP.acs_url,
        in_response_to="_request",
        name_id=name_id.persistent("4f3a", issuer=IDP, audience=SP.entity_id),
        issue_instant=now,
        authn_instant=now,
        session_index="_session",
        authn_context_class_ref="urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
        attributes=tuple(
            assertion.Attribute(f"urn:oid:2.5.4.{number}", ("Alice Adams",)) for number in range(6)
        ),
    )


# ----- refusing -----


def refuse() -> tuple[str, bool]:
    """Every hostile message of the corpus, and which of them cost most."""
    costs = sorted(_costs(), reverse=True)
    seconds, _, _ = costs[0]
    lines = [
        f"{len(costs)} refusals of messages up to 256 KiB; the dearest:",
        "| message | KiB as it travels | CPU ms |",
        "| --- | --- | --- |",
        *(
            f"| {name} | {size / 1024:.0f} | {one * 1000:.1f} |"
            for one, name, size in costs[:SHOWN]
        ),
        f"\nmedian {statistics.median(one for one, _, _ in costs) * 1000:.2f} ms\n",
    ]
    return "\n".join(lines), seconds > MOST_OF_A_REFUSAL


def _costs() -> list[tuple[float, str, int]]:
    """CPU seconds, name and size of each refusal, by each binding as each type of message."""
    found = []
    for attack in corpus.ATTACKS:
        for message, variant in corpus.variants(attack):
            sp = replace(SP, message=message)
            payload = corpus.payload(variant, sp)
            # Base64 and escapes add a half to the message.
            if len(payload) <= SIZE_OF_A_REFUSAL * 2:
                name = f"{attack.name}, {message.local} by {variant.binding}"
                found.append((_refusal(variant.binding, payload, sp), name, len(payload)))
    return found


def _refusal(binding: str, payload: bytes, sp: ServiceProvider) -> float:
    tries = []
    for _ in range(TRIES):
        started = time.process_time()
        try:
            receiving.receive(binding, payload, sp)
        except errors.SamlError:
            tries.append(time.process_time() - started)
        else:
            raise SystemExit(f"accepted: {payload[:200]!r}")
    return min(tries)


# ----- metadata -----


def read_metadata(entities: int) -> str:
    """An aggregate of so many service providers, signed, read where production reads it."""
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as folder:
        file = Path(folder) / "metadata.xml"
        certificate = _write_aggregate(file, entities)
        task = aggregate_process.Task(
            file=str(file),
            output=str(file.with_suffix(".lines")),
            now=datetime.now(UTC).isoformat(),
            certificates=(certificate,),
        )
        started = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", aggregate_process.__name__],
            input=json.dumps(asdict(task)).encode(),
            stdout=subprocess.PIPE,
            cwd=ROOT,
            check=True,
        )
        outcome = aggregate_process.Outcome(**json.loads(done.stdout))
        size = file.stat().st_size
    if outcome.entities != entities or not outcome.signed:
        raise SystemExit(f"not read: {outcome}")
    return (
        f"{outcome.entities} service providers, signed, {size / 1024**2:.1f} MiB: "
        f"{outcome.cpu:.1f} s CPU, {time.monotonic() - started:.1f} s in all, "
        f"{outcome.peak / 1024**2:.0f} MiB at most, in a process of its own"
    )


def _write_aggregate(file: Path, entities: int) -> str:
    """Write it; returns the certificate of the federation's key."""
    ends = (datetime.now(UTC) + timedelta(days=7)).strftime("%Y-%m-%dT%H:%M:%SZ")
    documents = b"".join(
        replace(
            SP,
            entity_id=f"https://sp{number}.example.edu/metadata",
            acs_url=f"https://sp{number}.example.edu/acs",
        ).metadata()
        for number in range(entities)
    )
    head = f'<md:EntitiesDescriptor xmlns:md="{vocabulary.MD}" ID="_all" validUntil="{ends}">'
    end = b"</md:EntitiesDescriptor>"
    root = xml.parse_file(io.BytesIO(head.encode() + documents + end), limits=xml.AGGREGATE)
    private_key = service_provider.rsa_key("federation")
    certificate = service_provider.certificate(private_key)
    signature.sign(root, key=signature.SigningKey(private_key, service_provider.pem(certificate)))
    file.write_bytes(xml.serialise(root))
    return service_provider.base64_der(certificate)


if __name__ == "__main__":
    raise SystemExit(main())
