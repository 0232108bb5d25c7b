"""subject-id and pairwise-id: a person's name for ever, as an attribute.

OASIS SAML V2.0 Subject Identifier Attributes Profile §2. Both are letters and digits that mean the
same in any case, followed by our scope: the identifier that is never reassigned, or a MAC of it for
one service provider under a secret that never changes, so that two of them cannot compare.
"""

from __future__ import annotations

import hmac
import uuid

from django.conf import settings

from federation.models import ServiceProvider
from federation.saml import vocabulary
from federation.saml.metadata import entity_attributes
from idp import keys
from idp.claims.saml_attributes import SamlAttribute

SUBJECT_ID = "urn:oasis:names:tc:SAML:attribute:subject-id"
PAIRWISE_ID = "urn:oasis:names:tc:SAML:attribute:pairwise-id"
_CHOICES = ServiceProvider.SubjectIdentifier
_NAMES = {_CHOICES.SUBJECT_ID: SUBJECT_ID, _CHOICES.PAIRWISE_ID: PAIRWISE_ID}
# Whoever takes any gets the one that tells less (§3.1).
ANY = "any"
_PURPOSE = b"saml pairwise-id"


def wanted(row: ServiceProvider) -> str:
    """Which of both goes to this service provider: the choice's value, empty for none."""
    if row.subject_identifier != _CHOICES.METADATA:
        return row.subject_identifier if row.subject_identifier in _NAMES else ""
    asked = {
        str(value).strip()
        for one in row.entity_attributes
        if one.get("name") == entity_attributes.SUBJECT_ID_REQ
        for value in one.get("values", ())
    }
    if len(asked) != 1:
        return ""
    (only,) = asked
    only = _CHOICES.PAIRWISE_ID.value if only == ANY else only
    return only if only in _NAMES else ""


def of(row: ServiceProvider, person_id: str) -> SamlAttribute | None:
    """The attribute with this person's identifier, None where none is given."""
    kind = wanted(row)
    if not kind or not settings.IDP.scope:
        return None
    user_id = uuid.UUID(person_id)
    unique = user_id.hex if kind == _CHOICES.SUBJECT_ID else _pairwise(user_id, row.entity_id)
    value = f"{unique}@{settings.IDP.scope}"
    return SamlAttribute(_NAMES[_CHOICES(kind)], vocabulary.NAME_FORMAT_URI, kind, (value,))


def _pairwise(user_id: uuid.UUID, entity_id: str) -> str:
    told = b"\0".join((_PURPOSE, entity_id.encode(), user_id.bytes))
    return hmac.digest(keys.lasting_secret(keys.PAIRWISE), told, "sha256").hex()
