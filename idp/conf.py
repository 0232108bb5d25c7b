"""Typed settings: one frozen object read from `GATEHOUSE_…` environment variables.

Every refusal names the variable and says why. Django reads the same object in `idp.settings`;
everything else asks `django.conf.settings.IDP`.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.fernet import Fernet
from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from idp import mail_server

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
# SAML Subject Identifier Attributes Profile §2.2.2: what follows the @.
SAML_SCOPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,126}")
WORDS = Annotated[tuple[str, ...], NoDecode]


def _seconds(value: Any) -> Any:
    """A bare number counts seconds; ISO 8601 is pydantic's."""
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    return value


Duration = Annotated[timedelta, BeforeValidator(_seconds)]


class InsecureSettings(ValueError):
    """The environment holds a value that the service must not start with."""


class Settings(BaseSettings):
    """All settings of one deployment; times are `timedelta`, lists are separated by commas."""

    model_config = SettingsConfigDict(env_prefix="GATEHOUSE_", frozen=True, extra="ignore")
    # django.conf.settings asks every value for this; pydantic would search for it at each access.
    _mask_wrapped: ClassVar[bool] = True

    issuer: str
    secret_key: str = Field(min_length=32, repr=False)
    master_key: Annotated[tuple[str, ...], NoDecode] = Field(min_length=1, repr=False)
    database_url: str = Field(default="", repr=False)
    data_dir: Path = Path("var")
    site_name: str = "Gatehouse"
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode] = ()
    extra_hosts: WORDS = ()
    outbound_allow: WORDS = ()
    ca_bundle: Path | None = None
    organization_name: str = ""
    organization_url: str = ""
    information_url: str = ""
    privacy_url: str = ""
    technical_contact: str = ""
    saml_description: str = Field(default="", max_length=1000)
    saml_logo: str = ""
    metrics_token: str = Field(default="", repr=False)
    email_url: str = Field(default="", repr=False)
    mail_from: str = "gatehouse@localhost"
    support_contact: str = ""
    saml_scope: str = ""
    log_level: str = "INFO"
    embedded_worker: bool = True
    strict_revocation: bool = False
    password_hashes_at_once: int = Field(default=2, ge=1, le=64)
    password_minimum_length: int = Field(default=12, ge=8, le=64)

    code_lifetime: Duration = timedelta(seconds=60)
    access_token_lifetime: Duration = timedelta(minutes=10)
    id_token_lifetime: Duration = timedelta(minutes=10)
    refresh_idle: Duration = timedelta(days=30)
    refresh_absolute: Duration = timedelta(days=90)
    refresh_retry_window: Duration = timedelta(seconds=10)
    session_idle: Duration = timedelta(hours=12)
    session_absolute: Duration = timedelta(days=7)
    admin_session: Duration = timedelta(hours=12)
    interaction_lifetime: Duration = timedelta(hours=1)
    signing_key_rotation: Duration = timedelta(days=90)
    assertion_lifetime: Duration = timedelta(minutes=5)
    saml_metadata_lifetime: Duration = timedelta(days=14)
    clock_skew: Duration = timedelta(minutes=3)
    audit_retention: Duration = timedelta(days=365)
    sign_in_retention: Duration = timedelta(days=30)

    @field_validator(
        "master_key", "extra_hosts", "trusted_proxies", "outbound_allow", mode="before"
    )
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("issuer")
    @classmethod
    def _issuer(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.query or parts.fragment or "?" in value or "#" in value:
            raise ValueError("must have neither query nor fragment (RFC 8414 §2)")
        if parts.username is not None or not parts.hostname:
            raise ValueError("must be an absolute address without user information")
        if value.endswith("/") or parts.path not in ("", "/"):
            raise ValueError("must be scheme and host alone, without a path or trailing slash")
        is_plain = parts.scheme == "http" and _is_loopback(parts.hostname)
        if parts.scheme != "https" and not is_plain:
            raise ValueError("must begin with https:// (plain http only on loopback)")
        if value != f"{parts.scheme}://{parts.netloc}" or value != value.lower():
            raise ValueError("must be lower case, exactly as clients will compare it")
        return value

    @field_validator("master_key")
    @classmethod
    def _master_key(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for key in value:
            try:
                Fernet(key)
            except ValueError as error:
                raise ValueError(
                    "each key must be 32 random bytes in URL-safe base64 (44 characters)"
                ) from error
        return value

    @field_validator("outbound_allow")
    @classmethod
    def _outbound_allow(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_host_and_port(one) for one in value)

    @field_validator("saml_scope")
    @classmethod
    def _saml_scope(cls, value: str) -> str:
        if value and SAML_SCOPE.fullmatch(value) is None:
            raise ValueError("must be a domain of at most 127 letters, digits, hyphens and dots")
        return value.lower()

    @field_validator("organization_url", "information_url", "privacy_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if value and not _is_web_address(value):
            raise ValueError("must be an address that begins with https:// or http://")
        return value

    @field_validator("technical_contact")
    @classmethod
    def _mail_address(cls, value: str) -> str:
        if value and _MAIL_ADDRESS.fullmatch(value) is None:
            raise ValueError("must be an e-mail address")
        return value

    @field_validator("saml_logo")
    @classmethod
    def _saml_logo(cls, value: str) -> str:
        url, _, size = value.rpartition(" ")
        good = _is_web_address(url) and _LOGO_SIZE.fullmatch(size)
        if value and not good:
            raise ValueError("must be an address, a space and the size in pixels: … 120x60")
        return value

    @field_validator("ca_bundle", mode="before")
    @classmethod
    def _none(cls, value: Any) -> Any:
        return value or None

    @field_validator("ca_bundle")
    @classmethod
    def _ca_bundle(cls, value: Path | None) -> Path | None:
        if value is not None:
            try:
                x509.load_pem_x509_certificates(value.read_bytes())
            except OSError as error:
                raise ValueError(f"the file cannot be read: {error.strerror}") from error
            except ValueError as error:
                raise ValueError("the file must hold certificates in PEM") from error
        return value

    @field_validator("email_url")
    @classmethod
    def _email_url(cls, value: str) -> str:
        mail_server.parse(value)
        return value

    @field_validator("log_level")
    @classmethod
    def _log_level(cls, value: str) -> str:
        if value.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            raise ValueError("must be DEBUG, INFO, WARNING or ERROR")
        return value.upper()

    @model_validator(mode="after")
    def _lifetimes(self) -> Settings:
        for name, limit in _LIMITS.items():
            value = getattr(self, name)
            may_be_off = name in _MAY_BE_OFF and value == timedelta(0)
            if not may_be_off and not timedelta(0) < value <= limit:
                raise ValueError(f"GATEHOUSE_{name.upper()} must be above 0 and at most {limit}")
        if self.refresh_idle > self.refresh_absolute:
            raise ValueError("GATEHOUSE_REFRESH_IDLE must not exceed GATEHOUSE_REFRESH_ABSOLUTE")
        if self.session_idle > self.session_absolute:
            raise ValueError("GATEHOUSE_SESSION_IDLE must not exceed GATEHOUSE_SESSION_ABSOLUTE")
        return self

    @property
    def https(self) -> bool:
        """Whether people reach the service over https."""
        return self.issuer.startswith("https://")

    @property
    def only_https(self) -> bool:
        """Whether browsers shall remember never to come over http again (RFC 6797).

        They remember it for a name on every port: of a loopback name it would take each other
        service on the person's machine from them, and our own demonstration over http.
        """
        return self.https and not _is_loopback(self.host)

    @property
    def host(self) -> str:
        """The issuer's host without its port."""
        return urlsplit(self.issuer).hostname or ""

    @property
    def scope(self) -> str:
        """The domain within which subject identifiers are unique; empty where there is none."""
        host = self.saml_scope or self.host
        return host if SAML_SCOPE.fullmatch(host) else ""

    @property
    def mail_server(self) -> mail_server.MailServer | None:
        """Where mail goes, None if nobody has said so."""
        return mail_server.parse(self.email_url)

    def cookie(self, name: str) -> str:
        """The full name of one of our cookies: `__Host-` wherever browsers accept it."""
        return f"__Host-gatehouse_{name}" if self.https else f"gatehouse_{name}"

    def url(self, path: str) -> str:
        """The absolute address of one of our own paths."""
        return self.issuer + path


# Zero switches these off.
_MAY_BE_OFF = ("signing_key_rotation",)
_LIMITS = {
    "code_lifetime": timedelta(seconds=60),
    "access_token_lifetime": timedelta(hours=24),
    "id_token_lifetime": timedelta(hours=24),
    "refresh_idle": timedelta(days=400),
    "refresh_absolute": timedelta(days=400),
    "refresh_retry_window": timedelta(seconds=60),
    "session_idle": timedelta(days=30),
    "session_absolute": timedelta(days=90),
    "admin_session": timedelta(hours=24),
    "interaction_lifetime": timedelta(hours=24),
    "signing_key_rotation": timedelta(days=4000),
    "assertion_lifetime": timedelta(minutes=5),
    "saml_metadata_lifetime": timedelta(days=400),
    "clock_skew": timedelta(minutes=5),
    "audit_retention": timedelta(days=4000),
    "sign_in_retention": timedelta(days=400),
}


def _host_and_port(entry: str) -> str:
    """A host or host:port as the outbound guard compares it: lower case, IPv6 in brackets."""
    is_bare_ipv6 = entry.count(":") > 1 and "[" not in entry
    try:
        parts = urlsplit(f"//[{entry}]" if is_bare_ipv6 else f"//{entry}")
        host, port = parts.hostname or "", parts.port
        if ":" in host:
            host = f"[{ipaddress.IPv6Address(host).compressed}]"
    except ValueError as error:
        raise ValueError(f"{entry}: must be a host or host:port") from error
    if not _HOST.fullmatch(host) or parts.path or parts.query or parts.username is not None:
        raise ValueError(f"{entry}: must be a host or host:port, without scheme or path")
    return host if port is None else f"{host}:{port}"


_HOST = re.compile(r"[a-z0-9._\-]+|\[[0-9a-f:]+\]")


_MAIL_ADDRESS = re.compile(r"[^\s@<>]+@[^\s@<>]+")
_LOGO_SIZE = re.compile(r"[1-9][0-9]{0,3}x[1-9][0-9]{0,3}")


def _is_web_address(value: str) -> bool:
    parts = urlsplit(value)
    is_web = parts.scheme in ("https", "http") and bool(parts.hostname)
    return is_web and value.isascii() and value.isprintable() and " " not in value


def _is_loopback(host: str) -> bool:
    return host in LOOPBACK_HOSTS or host.endswith(".localhost")


def load() -> Settings:
    """Read the environment; raises InsecureSettings with one line per wrong variable."""
    try:
        return Settings()  # pyright: ignore[reportCallIssue]
    except ValidationError as error:
        raise InsecureSettings("\n".join(_line(problem) for problem in error.errors())) from None


def _line(problem: Any) -> str:
    message = str(problem["msg"]).removeprefix("Value error, ")
    if not problem["loc"]:
        return message
    return f"GATEHOUSE_{str(problem['loc'][0]).upper()}: {message}"
