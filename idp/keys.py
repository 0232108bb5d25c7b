"""Keys: what signs, what encrypts at rest, what seals and authenticates values of our own.

Signing keys live in `SigningKey` rows, their private halves encrypted under the master key
(`GATEHOUSE_MASTER_KEY`, outside the database; the first encrypts, all decrypt). Everything else
is derived from the master key per purpose (RFC 5869), so a value of one purpose means nothing
to another. Key objects are parsed once and live until a key row changes.
"""

from __future__ import annotations

import datetime as dt
import hmac
import secrets
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import cast

import orjson
from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.x509.oid import NameOID
from django.conf import settings
from django.db import transaction

from idp import directory
from idp.models import SigningKey, StoredSecret
from idp.protocol import jose
from idp.protocol.jwe import DecryptionKey
from idp.randomness import random_bytes

OIDC_ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
ENCRYPTION_ALGORITHMS = ("RSA-OAEP-256", "ECDH-ES")
PAIRWISE = "pairwise_subject"
CERTIFICATE_LIFETIME = dt.timedelta(days=3650)
OVERLAP_MARGIN = dt.timedelta(hours=1)
DECRYPTS_FOR = dt.timedelta(days=7)
# Service providers keep what they were given: some read our metadata daily, some once.
SAML_PUBLISHED_FOR = dt.timedelta(days=1)
SAML_DECRYPTS_FOR = dt.timedelta(days=90)
SAML_ENCRYPTION_ALGORITHM = "RSA-OAEP"
OIDC = SigningKey.Purpose.OIDC
OIDC_ENCRYPTION = SigningKey.Purpose.OIDC_ENCRYPTION
SAML = SigningKey.Purpose.SAML
SAML_ENCRYPTION = SigningKey.Purpose.SAML_ENCRYPTION
State = SigningKey.State
_KEPT_FOR = {
    OIDC_ENCRYPTION: DECRYPTS_FOR,
    SAML: SAML_PUBLISHED_FOR,
    SAML_ENCRYPTION: SAML_DECRYPTS_FOR,
}


class NoKey(RuntimeError):
    """There is no signing key of this purpose and algorithm: `manage.py doctor` tells more."""


class MasterKeyMismatch(RuntimeError):
    """A stored value was encrypted under a master key that is no longer configured."""


class Unsealable(ValueError):
    """A value was not sealed by us for this purpose, or has been altered."""


class StillInUse(RuntimeError):
    """A key would retire that somebody is signed for with. `users`: their names by identifier."""

    def __init__(self, users: Mapping[str, str]) -> None:
        self.users = dict(users)
        super().__init__(f"still in use for {', '.join(sorted(self.users.values()))}")


# ----- at rest -----


@lru_cache(maxsize=4)
def _fernet(master_keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in master_keys])


def encrypt(data: bytes) -> bytes:
    """Encrypt for storage under the first master key."""
    return _fernet(settings.IDP.master_key).encrypt(data)


def decrypt(data: bytes) -> bytes:
    """Decrypt what was stored; raises MasterKeyMismatch."""
    try:
        return _fernet(settings.IDP.master_key).decrypt(data)
    except InvalidToken as error:
        raise MasterKeyMismatch("GATEHOUSE_MASTER_KEY does not open what is stored") from error


# ----- derived, per purpose -----


@lru_cache(maxsize=64)
def _derived(master_key: str, purpose: str) -> bytes:
    kdf = HKDF(hashes.SHA256(), length=32, salt=b"gatehouse", info=purpose.encode())
    return kdf.derive(master_key.encode())


@lru_cache(maxsize=64)
def _keyed(master_key: str, purpose: str) -> hmac.HMAC:
    """HMAC-SHA256 with its key read in: a copy of it costs a tenth of starting anew."""
    return hmac.new(_derived(master_key, f"mac {purpose}"), digestmod="sha256")


@lru_cache(maxsize=64)
def _ciphers(master_keys: tuple[str, ...], purpose: str) -> tuple[AESGCM, ...]:
    return tuple(AESGCM(_derived(key, f"seal {purpose}")) for key in master_keys)


def seal(purpose: str, data: bytes) -> bytes:
    """Encrypt and authenticate `data` for `purpose` (AES-256-GCM, random 96-bit nonce)."""
    nonce = random_bytes(12)
    cipher = _ciphers(settings.IDP.master_key, purpose)[0]
    return nonce + cipher.encrypt(nonce, data, purpose.encode())


def unseal(purpose: str, sealed: bytes) -> bytes:
    """The data in a value of `seal()`; raises Unsealable."""
    if len(sealed) > 28:
        for cipher in _ciphers(settings.IDP.master_key, purpose):
            try:
                return cipher.decrypt(sealed[:12], sealed[12:], purpose.encode())
            except InvalidTag:
                continue
    raise Unsealable(purpose)


def mac(purpose: str, data: bytes) -> bytes:
    """HMAC-SHA256 of `data` under the first master key's key for `purpose`."""
    return _mac(settings.IDP.master_key[0], purpose, data)


def _mac(master_key: str, purpose: str, data: bytes) -> bytes:
    started = _keyed(master_key, purpose).copy()
    started.update(data)
    return started.digest()


def check_mac(purpose: str, data: bytes, tag: bytes) -> bool:
    """Whether `tag` begins HMAC-SHA256 of `data` under any master key; at least 16 bytes."""
    if len(tag) < 16:
        return False
    found = False
    for key in settings.IDP.master_key:
        expected = _mac(key, purpose, data)[: len(tag)]
        found |= hmac.compare_digest(expected, tag)
    return found


@lru_cache(maxsize=4)
def lasting_secret(name: str) -> bytes:
    """32 random bytes of ours that outlive the master key, made at their first use.

    For values that must never change, such as pairwise subjects.
    """
    row = StoredSecret.objects.filter(name=name).first()
    if row is None:
        fresh = encrypt(secrets.token_bytes(32))
        row, _ = StoredSecret.objects.get_or_create(name=name, defaults={"encrypted": fresh})
    return decrypt(bytes(row.encrypted))


# ----- signing -----


@dataclass(frozen=True)
class KeySet:
    """Every key of OpenID Connect, parsed, and the key set document's bytes.

    `decryption`: what was encrypted to us is opened with, by kid. `until`: when the next retired
    key drops out, in seconds since the epoch.
    """

    signers: dict[str, jose.Signer]
    verification: dict[str, jose.VerificationKey]
    decryption: dict[str, DecryptionKey]
    jwks: bytes
    until: float


def _load() -> KeySet:
    signers: dict[str, jose.Signer] = {}
    verification: dict[str, jose.VerificationKey] = {}
    decryption: dict[str, DecryptionKey] = {}
    published: list[dict[str, object]] = []
    now = dt.datetime.now(dt.UTC)
    until = dt.datetime.max.replace(tzinfo=dt.UTC)
    for row in SigningKey.objects.filter(purpose__in=(OIDC, OIDC_ENCRYPTION)):
        gone = gone_at(row)
        if gone is not None and gone <= now:
            continue
        until = min(until, gone or until)
        private = _private(row)
        if row.purpose == OIDC_ENCRYPTION:
            decryption[row.kid] = _decryption_key(row.kid, private)
            if row.state == State.RETIRED:
                continue
        else:
            public = private.public_key()
            verification[row.kid] = jose.VerificationKey(row.kid, row.algorithm, public)
            if row.state == State.CURRENT:
                signers[row.algorithm] = jose.Signer(row.kid, row.algorithm, private)
        published.append(row.public_jwk)
    document = orjson.dumps({"keys": published})
    return KeySet(signers, verification, decryption, document, until.timestamp())


def _key_set() -> KeySet:
    found = directory.cached("oidc-keys", _load)
    if found.until > time.time():
        return found
    directory.drop("oidc-keys")
    return directory.cached("oidc-keys", _load)


def gone_at(row: SigningKey) -> dt.datetime | None:
    """When a retired key is of no use any more, None for one that is in use.

    A signing key: when everything it signed has expired. One that others encrypt with: when
    nobody can hold it any more, who last read what we publish before it retired.
    """
    if row.state != State.RETIRED or row.retired_at is None:
        return None
    return row.retired_at + _KEPT_FOR.get(SigningKey.Purpose(row.purpose), overlap())


def overlap() -> dt.timedelta:
    """How long a retired signing key stays published: the longest token life and an hour."""
    idp = settings.IDP
    return max(idp.access_token_lifetime, idp.id_token_lifetime) + OVERLAP_MARGIN


def _private(row: SigningKey) -> jose.PrivateKey:
    # Written by us and authenticated by its encryption: the primes need no test at each start.
    key = serialization.load_der_private_key(
        decrypt(bytes(row.private_key)), password=None, unsafe_skip_rsa_key_validation=True
    )
    return cast("jose.PrivateKey", key)


def _decryption_key(kid: str, private: jose.PrivateKey) -> DecryptionKey:
    if isinstance(private, ed25519.Ed25519PrivateKey):
        raise NoKey("an Ed25519 key decrypts nothing")
    return DecryptionKey(kid, private)


def signer(algorithm: str) -> jose.Signer:
    """The current OpenID Connect signer of `algorithm`; raises NoKey."""
    try:
        return _key_set().signers[algorithm]
    except KeyError:
        raise NoKey(algorithm) from None


def verification_keys() -> dict[str, jose.VerificationKey]:
    """Our own public keys by kid: next, current, and retired ones still published."""
    return _key_set().verification


def decryption_keys() -> dict[str, DecryptionKey]:
    """What clients have encrypted to us is opened with these, by kid."""
    return _key_set().decryption


def jwks() -> bytes:
    """The key set document (RFC 7517 §5)."""
    return _key_set().jwks


@dataclass(frozen=True)
class SamlKey:
    """A SAML key: its parsed private half and its certificate (PEM)."""

    kid: str
    private_key: rsa.RSAPrivateKey = field(repr=False)
    certificate: str


@dataclass(frozen=True)
class SamlKeys:
    """Every key of SAML, parsed. `signing`: those that may sign, by kid.

    `published`, `encryption`: whose certificates are in our metadata, the current one's first;
    `decryption`: what is encrypted to us is opened with, the newest first. `until`: when the next
    retired key drops out, in seconds since the epoch.
    """

    current: SamlKey | None
    following: SamlKey | None
    signing: dict[str, SamlKey]
    published: tuple[SamlKey, ...]
    encryption: tuple[SamlKey, ...]
    decryption: tuple[SamlKey, ...]
    until: float


def _load_saml() -> SamlKeys:
    now = dt.datetime.now(dt.UTC)
    until = dt.datetime.max.replace(tzinfo=dt.UTC)
    signing: dict[State, list[SamlKey]] = {state: [] for state in State}
    opening: dict[State, list[SamlKey]] = {state: [] for state in State}
    for row in SigningKey.objects.filter(purpose__in=(SAML, SAML_ENCRYPTION)).order_by("-id"):
        gone = gone_at(row)
        if gone is not None and gone <= now:
            continue
        until = min(until, gone or until)
        kept = signing if row.purpose == SAML else opening
        kept[State(row.state)].append(_saml_key(row))
    current, following, retired = (
        signing[one] for one in (State.CURRENT, State.NEXT, State.RETIRED)
    )
    encryption = [*opening[State.CURRENT], *opening[State.NEXT]]
    return SamlKeys(
        current=current[0] if current else None,
        following=following[-1] if following else None,
        signing={key.kid: key for key in (*current, *following)},
        published=(*current, *following, *retired),
        encryption=tuple(encryption),
        decryption=(
            *opening[State.NEXT],
            *opening[State.CURRENT],
            *opening[State.RETIRED],
        ),
        until=until.timestamp(),
    )


def _saml_key(row: SigningKey) -> SamlKey:
    private = _private(row)
    if not isinstance(private, rsa.RSAPrivateKey):
        raise NoKey("SAML needs an RSA key")
    return SamlKey(row.kid, private, row.certificate)


def saml() -> SamlKeys:
    """Every key of SAML."""
    found = directory.cached("saml-keys", _load_saml)
    if found.until > time.time():
        return found
    directory.drop("saml-keys")
    return directory.cached("saml-keys", _load_saml)


def saml_signing(kid: str = "") -> SamlKey:
    """The key that signs SAML messages: this one if it may still sign, else the current one.

    Raises NoKey.
    """
    ring = saml()
    found = ring.signing.get(kid, ring.current)
    if found is None:
        raise NoKey("SAML")
    return found


def saml_certificates() -> tuple[str, ...]:
    """The certificates to publish, PEM: the current one first, then next and lately retired."""
    return tuple(key.certificate for key in saml().published)


def saml_encryption_certificates() -> tuple[str, ...]:
    """The certificates that service providers may encrypt to, PEM: the current one first."""
    return tuple(key.certificate for key in saml().encryption)


def saml_decryption() -> tuple[rsa.RSAPrivateKey, ...]:
    """What service providers have encrypted to us is opened with these, the newest first."""
    return tuple(key.private_key for key in saml().decryption)


# ----- life cycle -----


def ensure() -> list[SigningKey]:
    """Create what is missing: a current and a next key per algorithm, current SAML keys.

    OpenID Connect's keys that others encrypt with have no next one: a new one is of use as soon as
    it is published.
    """
    lasting_secret(PAIRWISE)
    made: list[SigningKey] = []
    for algorithm in ENCRYPTION_ALGORITHMS:
        current = SigningKey.objects.filter(purpose=OIDC_ENCRYPTION, state=State.CURRENT)
        if not current.filter(algorithm=algorithm).exists():
            made.append(_create(OIDC_ENCRYPTION, algorithm, State.CURRENT))
    for algorithm in OIDC_ALGORITHMS:
        for state in (State.CURRENT, State.NEXT):
            if not SigningKey.objects.filter(
                purpose=OIDC, algorithm=algorithm, state=state
            ).exists():
                made.append(_create(OIDC, algorithm, state))
    for purpose, algorithm in ((SAML, "RS256"), (SAML_ENCRYPTION, SAML_ENCRYPTION_ALGORITHM)):
        if not SigningKey.objects.filter(purpose=purpose, state=State.CURRENT).exists():
            made.append(_create(purpose, algorithm, State.CURRENT))
    return made


def _create(purpose: str, algorithm: str, state: str) -> SigningKey:
    private = jose.generate("RS256" if purpose == SAML_ENCRYPTION else algorithm)
    if purpose in (OIDC_ENCRYPTION, SAML_ENCRYPTION):
        public = _decryption_key("", private).public_jwk()
        public["kid"] = jose.thumbprint(public)
    else:
        public = jose.public_jwk(private, algorithm=algorithm)
    now = dt.datetime.now(dt.UTC)
    return SigningKey.objects.create(
        purpose=purpose,
        algorithm=algorithm,
        kid=public["kid"],
        state=state,
        public_jwk=public,
        private_key=encrypt(
            private.private_bytes(
                serialization.Encoding.DER,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        ),
        certificate=_certificate(private, now=now) if purpose in (SAML, SAML_ENCRYPTION) else "",
        created_at=now,
        current_at=now if state == State.CURRENT else None,
    )


def _certificate(private: jose.PrivateKey, *, now: dt.datetime) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, settings.IDP.host[:64])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + CERTIFICATE_LIFETIME)
        .sign(private, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


_users: dict[str, Callable[[SigningKey], Mapping[str, str]]] = {}


def watch_retirement(purpose: str, users: Callable[[SigningKey], Mapping[str, str]]) -> None:
    """Ask `users` who is signed for with a key before it retires: names by identifier."""
    _users[purpose] = users


def users(row: SigningKey) -> Mapping[str, str]:
    """Who would be left behind if this key retired now: names by identifier."""
    ask = _users.get(row.purpose)
    return ask(row) if ask else {}


def rotate(
    purpose: str,
    algorithm: str,
    *,
    current: str = "",
    step: str = "",
    leaving: Collection[str] = (),
    withdrawn: bool = False,
) -> str | None:
    """One step of a rotation: publish first, sign later, retire last.

    Without a next key one is created and published: answers "published". Otherwise it becomes
    the current one and the old one retires, published until its last token has expired:
    answers "rotated". OpenID Connect's keys always have a next one waiting; SAML's wait until
    service providers have fetched the metadata. Of OpenID Connect a key that others encrypt with
    is replaced at once.
    `current`: the kid that must be current still; None, and nothing done, if another one is.
    `step`: the answer that is wanted; None, and nothing done, where the other one is due.
    `leaving`: the identifiers of exactly those that are left behind. Raises StillInUse.
    `withdrawn`: the old SAML key may be in other hands, and is not published any longer.
    """
    with transaction.atomic():
        rows = SigningKey.objects.select_for_update().filter(purpose=purpose, algorithm=algorithm)
        # Whoever comes second waits for the locks, and reads what is current only then.
        signing = [row for row in rows if row.state == State.CURRENT]
        if current and current not in {row.kid for row in signing}:
            return None
        following = rows.filter(state=State.NEXT).order_by("created_at").first()
        if step not in ("", "published" if following is None else "rotated"):
            return None
        if following is None:
            following = _create(purpose, algorithm, State.NEXT)
            if purpose != OIDC_ENCRYPTION:
                return "published"
        _demand_yes(signing, leaving)
        now = dt.datetime.now(dt.UTC)
        retired_at = now - _KEPT_FOR[SAML] if withdrawn and purpose == SAML else now
        rows.filter(state=State.CURRENT).update(state=State.RETIRED, retired_at=retired_at)
        following.state = State.CURRENT
        following.current_at = now
        following.save()
        if purpose == OIDC:
            _create(purpose, algorithm, State.NEXT)
    return "rotated"


def _demand_yes(retiring: list[SigningKey], leaving: Collection[str]) -> None:
    """Nobody is left behind but those that somebody named. Raises StillInUse."""
    behind = {key: name for row in retiring for key, name in users(row).items()}
    if set(behind) != set(leaving):
        raise StillInUse(behind)


def reencrypt() -> int:
    """Encrypt every stored private key and secret under the first master key; returns how many."""
    fernet = _fernet(settings.IDP.master_key)
    rows = list(SigningKey.objects.all())
    for row in rows:
        row.private_key = fernet.rotate(bytes(row.private_key))
        row.save(update_fields=["private_key"])
    secrets_of_ours = list(StoredSecret.objects.all())
    for secret in secrets_of_ours:
        secret.encrypted = fernet.rotate(bytes(secret.encrypted))
        secret.save(update_fields=["encrypted"])
    return len(rows) + len(secrets_of_ours)
