"""Whom a request is about: the NameID of its Subject, plain or encrypted (SAML Core §2.4.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cryptography.hazmat.primitives.asymmetric import rsa

from federation.saml import encryption, errors, name_id, xml

DecryptionKeys = Callable[[], Sequence[rsa.RSAPrivateKey]]
"""Ours, the likeliest first; asked for only where something was encrypted to us."""


def no_keys() -> Sequence[rsa.RSAPrivateKey]:
    """Decrypt nothing: for a stranger, whose signature was not verified."""
    return ()


def read(element: xml.Element, *, keys: DecryptionKeys) -> name_id.NameID:
    """Return the NameID in a saml:Subject; BaseID means nothing here. Raises InvalidMessage."""
    encrypted = xml.child(element, "saml:EncryptedID")
    if encrypted is not None and (known := keys()):
        try:
            return name_id.read(encryption.decrypt(encrypted, known))
        except errors.InvalidMessage as error:
            raise errors.InvalidMessage("subject", error.detail) from error
    named = xml.child(element, "saml:NameID")
    if named is None:
        raise errors.InvalidMessage("subject", "a Subject without a NameID that can be read")
    return name_id.read(named)
