"""ArtifactResolve, and the ArtifactResponse to it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import etree

from federation.saml import artifact_resolve, errors, response, signature, vocabulary, xml
from tests.attacks.saml import service_provider

NOW = datetime(2026, 11, 28, tzinfo=UTC)
KEY = signature.SigningKey(
    service_provider.rsa_key(),
    service_provider.pem(service_provider.certificate(service_provider.rsa_key())),
)
VERIFIER = signature.verification_key(KEY.certificate)


def build(message: bytes | None, **options: Any) -> Any:
    return artifact_resolve.build_response(
        message, issuer="urn:idp", in_response_to="_q", issue_instant=NOW, key=KEY, **options
    )


def test_reads_the_artifact_without_its_indentation() -> None:
    element = etree.fromstring(
        f'<p:ArtifactResolve xmlns:p="{vocabulary.SAMLP}"><p:Artifact>\n  AAQ=\n</p:Artifact>'
        "</p:ArtifactResolve>"
    )
    assert artifact_resolve.artifact(element) == "AAQ="
    element[0].append(etree.Element("x"))
    with pytest.raises(errors.InvalidMessage):
        artifact_resolve.artifact(element)


@pytest.mark.standard("SAML Core", "3.5.2", "ArtifactResponse: InResponseTo, the message, signed")
def test_the_message_inside_keeps_its_own_signature() -> None:
    inside = response.ErrorResponse(
        issuer="urn:idp",
        destination="https://sp.example/acs",
        in_response_to="_r",
        issue_instant=NOW,
        status=(vocabulary.RESPONDER,),
    )
    built = build(response.build_error_response(inside, key=KEY))
    root = xml.parse(xml.serialise(built))
    xml.validate(root, schema="protocol")
    assert root.get("InResponseTo") == "_q"
    assert signature.verify(root, keys=[VERIFIER]) is root
    message = xml.child(root, "samlp:Response")
    assert signature.verify(message, keys=[VERIFIER]) is message
    assert message.get("InResponseTo") == "_r"


@pytest.mark.standard("SAML Core", "3.5.3", "without a message: success, and nothing in it")
def test_nothing_to_give() -> None:
    root = xml.parse(xml.serialise(build(None, algorithm=vocabulary.RSA_SHA512)))
    xml.validate(root, schema="protocol")
    signature.verify(root, keys=[VERIFIER])
    names = [etree.QName(child).localname for child in root]
    assert names == ["Issuer", "Signature", "Status"]
    assert root[2][0].get("Value") == vocabulary.SUCCESS
