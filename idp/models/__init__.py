"""The nouns: one per file, its manager beside it.

Owns fields, constraints and sentences about one noun. Does not own what touches two of them:
that is a function in the package of its verb (`accounts`, `tokens`, `claims`, …).
"""

from idp.models.application import Application, ClaimMapping
from idp.models.audit import AuditEvent, AuditSeal, SignIn
from idp.models.client import Client, Resource, ResourceScope
from idp.models.grant import Grant, Revocation, StoredAuthorizationCode, Version
from idp.models.interaction import Consent, Interaction
from idp.models.key import SigningKey, StoredSecret
from idp.models.logout import LogoutNotification
from idp.models.operations import OneTimeValue, Schedule, ThrottleBucket
from idp.models.registration import InitialAccessToken, RegistrationPolicy, StatementIssuer
from idp.models.remote import RemoteDocument, SpentIdentifier
from idp.models.session import AuthenticationEvent, KnownDevice, Participant, Session
from idp.models.user import Group, User

__all__ = [
    "Application",
    "AuditEvent",
    "AuditSeal",
    "AuthenticationEvent",
    "ClaimMapping",
    "Client",
    "Consent",
    "Grant",
    "Group",
    "InitialAccessToken",
    "Interaction",
    "KnownDevice",
    "LogoutNotification",
    "OneTimeValue",
    "Participant",
    "RegistrationPolicy",
    "RemoteDocument",
    "Resource",
    "ResourceScope",
    "Revocation",
    "Schedule",
    "Session",
    "SignIn",
    "SigningKey",
    "SpentIdentifier",
    "StatementIssuer",
    "StoredAuthorizationCode",
    "StoredSecret",
    "ThrottleBucket",
    "User",
    "Version",
]
