"""Encrypt to a service provider, decrypt what one encrypted to us (SAML Core §2.2.4, §2.3.4).

AES-GCM only, with a fresh content key per message, carried by RSA-OAEP (XML Encryption 1.1): CBC
and RSA 1.5 have padding oracles. Sign first, then encrypt. Whatever keeps us from decrypting gives
one and the same error.

Without a word in the metadata it is AES-256-GCM and rsa-oaep-mgf1p with SHA-1 inside OAEP: that is
what every service provider of the last decade takes, many take nothing else, and OAEP does not
rest on SHA-1's resistance to collisions. A service provider that lists SHA-256 gets it.

The two primitives are `cryptography`'s: xmlsec takes a peer's key only in a key manager, which
loads the machine's certificate authorities anew each time (10 ms). Tests have xmlsec on the other
side.
"""

from __future__ import annotations

import base64
import binascii
import functools
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from federation.saml import certificate, errors, vocabulary, xml

# In our order of preference, with the bits of the content key.
CONTENT_ALGORITHMS = {
    vocabulary.AES256_GCM: 256,
    vocabulary.AES128_GCM: 128,
    vocabulary.AES192_GCM: 192,
}
KEY_TRANSPORTS = (vocabulary.RSA_OAEP_MGF1P, vocabulary.RSA_OAEP)
# The stronger first; without a DigestMethod it is SHA-1 (XML Encryption 1.1 §5.5.2).
OAEP_DIGESTS = (vocabulary.SHA256, vocabulary.SHA1)
MASK_FUNCTIONS = (vocabulary.MGF1_SHA256, vocabulary.MGF1_SHA1)
# XML Encryption 1.1 §5.2.4: the octets are IV, ciphertext, tag.
IV_BYTES = 12
TAG_BYTES = 16
# Several, since an element may be encrypted to several readers; each costs a private operation.
MAX_ENCRYPTED_KEYS = 3

_HASHES = {
    vocabulary.SHA256: hashes.SHA256(),
    vocabulary.MGF1_SHA256: hashes.SHA256(),
    vocabulary.SHA1: hashes.SHA1(),  # noqa: S303 - inside OAEP only, see above
    vocabulary.MGF1_SHA1: hashes.SHA1(),  # noqa: S303 - inside OAEP only, see above
}


@dataclass(frozen=True, slots=True)
class EncryptionMethod:
    """One md:EncryptionMethod of a key (SAML Metadata §2.4.1.1). Empty strings: not said."""

    algorithm: str
    digest_method: str = ""
    mask_function: str = ""


@dataclass(frozen=True, slots=True)
class Algorithms:
    """What to encrypt with. `mask_function` only goes with rsa-oaep of XML Encryption 1.1."""

    content: str
    transport: str
    digest: str
    mask_function: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class EncryptionKey:
    """A service provider's public key and the algorithms chosen for it; kept in the process."""

    algorithms: Algorithms
    public_key: rsa.RSAPublicKey = field(repr=False)


@functools.lru_cache(maxsize=1_024)
def encryption_key(
    certificate_text: str, methods: tuple[EncryptionMethod, ...] = ()
) -> EncryptionKey:
    """Return the key of a certificate in base64 DER or PEM, parsed once.

    Raises InvalidMetadata if it is not RSA of 2048 bits or more, NoCommonAlgorithm.
    """
    public_key = certificate.public_key(certificate.load(certificate_text))
    if not isinstance(public_key, rsa.RSAPublicKey):
        raise errors.InvalidMetadata("key_type", "Only RSA keys can be encrypted to.")
    return EncryptionKey(algorithms=choose(methods), public_key=public_key)


def choose(methods: Sequence[EncryptionMethod]) -> Algorithms:
    """Return what both sides can do: theirs if they list any, never below ours (IIP-MD10).

    Raises NoCommonAlgorithm.
    """
    return Algorithms(_content(methods), *_transport(methods))


def _content(methods: Sequence[EncryptionMethod]) -> str:
    """Return the content algorithm; whatever is no key transport counts as one here."""
    listed = {method.algorithm for method in methods if not _is_transport(method.algorithm)}
    if not listed:
        return vocabulary.AES256_GCM
    for algorithm in CONTENT_ALGORITHMS:
        if algorithm in listed:
            return algorithm
    raise errors.NoCommonAlgorithm("content_algorithm", f"only {sorted(listed)}")


def _is_transport(algorithm: str) -> bool:
    return "#rsa-" in algorithm or "#kw-" in algorithm or "ECDH" in algorithm


def _transport(methods: Sequence[EncryptionMethod]) -> tuple[str, str, str]:
    listed = [method for method in methods if _is_transport(method.algorithm)]
    if not listed:
        return vocabulary.RSA_OAEP_MGF1P, vocabulary.SHA1, ""
    for transport in KEY_TRANSPORTS:
        for digest in OAEP_DIGESTS:
            for method in listed:
                if method.algorithm == transport and digest == (
                    method.digest_method or vocabulary.SHA1
                ):
                    return transport, digest, _mask_function(method)
    raise errors.NoCommonAlgorithm(
        "key_transport", f"only {sorted({method.algorithm for method in listed})}"
    )


def _mask_function(method: EncryptionMethod) -> str:
    """Return the MGF to write: mgf1p has its own; rsa-oaep without one means MGF1 with SHA-1."""
    if method.algorithm == vocabulary.RSA_OAEP_MGF1P:
        return ""
    wanted = method.mask_function or vocabulary.MGF1_SHA1
    if wanted not in MASK_FUNCTIONS:
        raise errors.NoCommonAlgorithm("mask_function", wanted)
    return wanted


def encrypt(assertion: xml.Element, *, key: EncryptionKey) -> xml.Element:
    """Return a new saml:EncryptedAssertion that holds the (signed) assertion.

    `assertion` must be the root of its own document, so that its octets declare every prefix.
    """
    content_key = AESGCM.generate_key(CONTENT_ALGORITHMS[key.algorithms.content])
    initialisation = secrets.token_bytes(IV_BYTES)
    sealed = AESGCM(content_key).encrypt(initialisation, xml.serialise(assertion), None)
    carried = key.public_key.encrypt(content_key, _oaep(key.algorithms))
    encrypted = xml.new("saml:EncryptedAssertion")
    data = xml.add(encrypted, "xenc:EncryptedData", attributes={"Type": vocabulary.ELEMENT})
    _add_method(data, key.algorithms.content)
    _add_encrypted_key(xml.add(data, "ds:KeyInfo"), key.algorithms, carried)
    _add_cipher(data, initialisation + sealed)
    return encrypted


def _oaep(algorithms: Algorithms) -> padding.OAEP:
    mask_function = algorithms.mask_function or vocabulary.MGF1_SHA1
    return padding.OAEP(
        mgf=padding.MGF1(_HASHES[mask_function]),
        algorithm=_HASHES[algorithms.digest],
        label=None,
    )


def _add_encrypted_key(parent: xml.Element, algorithms: Algorithms, carried: bytes) -> None:
    """Append the EncryptedKey, inside the data it opens (XML Encryption 1.1 §3.5.1)."""
    encrypted_key = xml.add(parent, "xenc:EncryptedKey")
    method = _add_method(encrypted_key, algorithms.transport)
    xml.add(method, "ds:DigestMethod", attributes={"Algorithm": algorithms.digest})
    if algorithms.mask_function:
        xml.add(method, "xenc11:MGF", attributes={"Algorithm": algorithms.mask_function})
    _add_cipher(encrypted_key, carried)


def _add_method(parent: xml.Element, algorithm: str) -> xml.Element:
    return xml.add(parent, "xenc:EncryptionMethod", attributes={"Algorithm": algorithm})


def _add_cipher(parent: xml.Element, octets: bytes) -> None:
    value = base64.b64encode(octets).decode("ascii")
    xml.add(xml.add(parent, "xenc:CipherData"), "xenc:CipherValue", value)


def decrypt(
    encrypted: xml.Element, keys: Sequence[rsa.RSAPrivateKey], *, name: str = "saml:NameID"
) -> xml.Element:
    """Return the `name` inside a saml:EncryptedID or the like, a root of its own.

    `keys`: ours, the likeliest first. Raises InvalidMessage, the same one whatever was wrong.
    """
    try:
        data = _only(encrypted, "xenc:EncryptedData")
        found = xml.parse_fragment(_content_of(data, encrypted, keys), within=data)
    except (errors.SamlError, ValueError, InvalidTag):
        found = None
    if found is None or found.tag != vocabulary.name(name):
        raise errors.InvalidMessage("decryption", "it cannot be decrypted") from None
    return found


def _content_of(
    data: xml.Element, encrypted: xml.Element, keys: Sequence[rsa.RSAPrivateKey]
) -> bytes:
    """Return the octets in an EncryptedData; its keys stand inside or beside it."""
    if data.get("Type", vocabulary.ELEMENT) != vocabulary.ELEMENT:
        raise errors.InvalidMessage("encryption_type")
    size = CONTENT_ALGORITHMS.get(_algorithm(data, "xenc:EncryptionMethod"))
    if size is None:
        raise errors.InvalidMessage("content_algorithm")
    info = xml.child(data, "ds:KeyInfo")
    inside = [] if info is None else xml.children(info, "xenc:EncryptedKey")
    carriers = [*inside, *xml.children(encrypted, "xenc:EncryptedKey")]
    if len(carriers) > MAX_ENCRYPTED_KEYS:
        raise errors.InvalidMessage("encrypted_keys")
    octets = _cipher_value(data)
    if len(octets) < IV_BYTES + TAG_BYTES:
        raise errors.InvalidMessage("ciphertext")
    cipher = AESGCM(_content_key(carriers, keys, size=size // 8))
    return cipher.decrypt(octets[:IV_BYTES], octets[IV_BYTES:], None)


def _content_key(
    carriers: Sequence[xml.Element], keys: Sequence[rsa.RSAPrivateKey], *, size: int
) -> bytes:
    """Return the content key, or one that opens nothing: a failure shows at one place alone."""
    for carrier in carriers:
        padding_, octets = _transport_of(carrier), _cipher_value(carrier)
        for key in keys:
            try:
                carried = key.decrypt(octets, padding_)
            except ValueError:
                continue
            if len(carried) == size:
                return carried
    return secrets.token_bytes(size)


def _transport_of(carrier: xml.Element) -> padding.OAEP:
    """Return the padding of an EncryptedKey (XML Encryption 1.1 §5.5.2); nothing but OAEP."""
    method = _only(carrier, "xenc:EncryptionMethod")
    transport = method.get("Algorithm", "")
    digest = _algorithm(method, "ds:DigestMethod", default=vocabulary.SHA1)
    mask_function = _algorithm(method, "xenc11:MGF", default=vocabulary.MGF1_SHA1)
    if transport == vocabulary.RSA_OAEP_MGF1P:
        mask_function = vocabulary.MGF1_SHA1
    known = transport in KEY_TRANSPORTS and digest in OAEP_DIGESTS
    if (
        not known
        or mask_function not in MASK_FUNCTIONS
        or len(xml.children(method, "xenc:OAEPparams"))
    ):
        raise errors.InvalidMessage("key_transport")
    return _oaep(Algorithms("", transport, digest, mask_function))


def _only(parent: xml.Element, name: str) -> xml.Element:
    found = xml.child(parent, name)
    if found is None:
        raise errors.InvalidMessage("exactly_one", f"no {name}")
    return found


def _algorithm(parent: xml.Element, name: str, *, default: str = "") -> str:
    found = xml.child(parent, name)
    return default if found is None else str(found.get("Algorithm", ""))


def _cipher_value(parent: xml.Element) -> bytes:
    """Return the octets; a CipherReference, which would have to be fetched, is none."""
    value = _only(_only(parent, "xenc:CipherData"), "xenc:CipherValue")
    compact = "".join(xml.text(value).split())
    return binascii.a2b_base64(compact.encode(), strict_mode=True)
