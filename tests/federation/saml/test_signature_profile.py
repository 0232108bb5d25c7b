"""The shape of a signature, without the schema that stands before it in the pipeline."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from lxml import etree

from federation.saml import errors, signature_profile, vocabulary, xml
from tests.attacks.saml import references
from tests.attacks.saml.service_provider import ServiceProvider

DS = vocabulary.DS


def check_of(document) -> str:
    with pytest.raises(errors.InvalidSignature) as refused:
        signature_profile.inspect(document)
    return refused.value.check


def test_finds_an_honest_signature(sp: ServiceProvider) -> None:
    root = sp.signed()
    (found,) = signature_profile.inspect(root)
    assert found.element is root[1]
    assert found.signed is root
    assert found.algorithm == vocabulary.RSA_SHA256


def test_finds_none(sp: ServiceProvider) -> None:
    assert signature_profile.inspect(sp.element()) == []


@pytest.mark.parametrize("position", [0, 2])
def test_position(sp: ServiceProvider, position: int) -> None:
    root = sp.signed(inside="<samlp:NameIDPolicy/>")
    root.insert(position if position == 0 else 3, root[1])
    assert check_of(root) == "signature_position"


def test_two_signatures(sp: ServiceProvider) -> None:
    root = sp.signed()
    root.insert(2, etree.fromstring(etree.tostring(root[1])))
    assert check_of(root) == "signature_position"


def test_signature_as_root(sp: ServiceProvider) -> None:
    root = sp.signed()
    assert check_of(etree.fromstring(etree.tostring(root[1]))) == "signature_parent"


@pytest.mark.parametrize(
    "name",
    [
        "SignedInfo",
        "SignatureValue",
        "CanonicalizationMethod",
        "SignatureMethod",
        "Reference",
        "Transforms",
        "DigestMethod",
        "DigestValue",
    ],
)
@pytest.mark.parametrize("change", ["twice", "missing"])
def test_exactly_one_of_each(sp: ServiceProvider, name: str, change: str) -> None:
    root = sp.signed()
    element = root.find(f".//{{{DS}}}{name}")
    if change == "twice":
        element.addnext(etree.fromstring(etree.tostring(element, with_tail=False)))
    else:
        element.getparent().remove(element)
    assert check_of(root) == "signature_children"


def strange_attribute(name: str) -> Callable[[xml.Element], None]:
    def change(root: xml.Element) -> None:
        root.find(f".//{{{DS}}}{name}").set("Id", "_x")

    return change


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("CanonicalizationMethod", "canonicalisation_algorithm"),
        ("SignatureMethod", "signature_algorithm"),
        ("Reference", "reference_uri"),
        ("DigestMethod", "digest_algorithm"),
        ("Transform", ""),
    ],
)
def test_no_other_attributes(sp: ServiceProvider, name: str, check: str) -> None:
    root = sp.signed()
    strange_attribute(name)(root)
    if check:
        assert check_of(root) == check
    else:
        root.findall(f".//{{{DS}}}Transform")[1].set("Id", "_y")
        assert check_of(root) == "canonicalisation_algorithm"


@pytest.mark.parametrize("name", ["DigestMethod", "SignatureMethod"])
def test_no_parameters(sp: ServiceProvider, name: str) -> None:
    root = sp.signed()
    etree.SubElement(root.find(f".//{{{DS}}}{name}"), "{urn:x}parameter")
    assert check_of(root) == "signature_children"


def test_no_strange_transform_elements(sp: ServiceProvider) -> None:
    root = sp.signed()
    root.find(f".//{{{DS}}}Transform").tag = "{urn:x}Transform"
    assert check_of(root) == "signature_children"


@pytest.mark.parametrize("value", ["", "!", "QQ", "QQ==QQ==", "Q Q=="])
@pytest.mark.parametrize("name", ["DigestValue", "SignatureValue"])
def test_values_are_base64(sp: ServiceProvider, name: str, value: str) -> None:
    root = sp.signed()
    root.find(f".//{{{DS}}}{name}").text = value
    if value == "Q Q==":
        signature_profile.inspect(root)
    else:
        assert check_of(root) == "signature_base64"


def test_value_with_children(sp: ServiceProvider) -> None:
    root = sp.signed()
    etree.SubElement(root.find(f".//{{{DS}}}DigestValue"), "{urn:x}a")
    assert check_of(root) == "signature_base64"


def test_prefix_list_without_children(sp: ServiceProvider) -> None:
    root = sp.signed()
    inclusive = etree.fromstring(references.inclusive_namespaces("saml"))
    root.find(f".//{{{DS}}}CanonicalizationMethod").append(inclusive)
    signature_profile.inspect(root)
    etree.SubElement(inclusive, "{urn:x}a")
    assert check_of(root) == "inclusive_namespaces"


def test_parent_without_id(sp: ServiceProvider) -> None:
    root = sp.signed()
    del root.attrib["ID"]
    root.find(f".//{{{DS}}}Reference").set("URI", "#None")
    assert check_of(root) == "reference_uri"


@pytest.mark.parametrize("count", [10, 11])
def test_no_more_than_ten_prefixes(sp: ServiceProvider, count: int) -> None:
    root = sp.signed()
    inclusive = etree.fromstring(references.inclusive_namespaces("saml " * count))
    root.find(f".//{{{DS}}}CanonicalizationMethod").append(inclusive)
    if count == 10:
        signature_profile.inspect(root)
    else:
        assert check_of(root) == "inclusive_namespaces"


@pytest.mark.parametrize("name", ["CanonicalizationMethod", "Transform[2]"])
def test_comments_may_be_kept(sp: ServiceProvider, name: str) -> None:
    """There are none, so both canonical forms are the same (SAML Core §5.4.3)."""
    root = sp.signed()
    method = root.find(f".//{{{DS}}}{name}")
    method.set("Algorithm", vocabulary.EXCLUSIVE_C14N_WITH_COMMENTS)
    assert len(signature_profile.inspect(root)) == 1


@pytest.mark.parametrize(
    ("content", "allowed"),
    [
        ("<ds:KeyName>a</ds:KeyName>", True),
        ("<ds:KeyName>a</ds:KeyName><ds:X509Data/><ds:KeyValue/>", True),
        ('<ds:X509Data/><ds:RetrievalMethod URI="#a"/>', False),
        ("<ds:KeyName>a</ds:KeyName><ds:MgmtData/><ds:X509Data/>", False),
    ],
)
def test_nothing_in_key_info_points_elsewhere(
    sp: ServiceProvider, content: str, allowed: bool
) -> None:
    root = sp.signed()
    root[1].append(etree.fromstring(f'<ds:KeyInfo xmlns:ds="{DS}">{content}</ds:KeyInfo>'))
    if allowed:
        assert len(signature_profile.inspect(root)) == 1
    else:
        assert check_of(root) == "key_info"
