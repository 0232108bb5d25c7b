"""Where mail goes: `GATEHOUSE_EMAIL_URL`, read into what Django's mail settings need.

`smtp://user:secret@host:587` speaks STARTTLS and refuses a server that does not, but on loopback;
`smtps://…:465` speaks TLS from the first byte; `file:///folder` keeps messages as files. The
password is percent-encoded where it holds `@`, `:`, `/` or `%`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

BACKENDS = "django.core.mail.backends"
TIMEOUT_SECONDS = 10
_PORTS = {"smtp": 587, "smtps": 465}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class MailServer:
    """A mail server, or a folder. `tls`: starttls, implicit, or an empty string for none."""

    host: str = ""
    port: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    tls: str = ""
    folder: str = ""


def parse(url: str) -> MailServer | None:
    """Read the address, None for an empty one. Raises ValueError with a sentence about it."""
    if not url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        # The first error repeats what may be half of a password.
        raise ValueError("must be an address such as smtp://host:587") from None
    if parts.query or parts.fragment:
        raise ValueError("must have neither query nor fragment; encode ? and # in a password")
    if parts.scheme == "file":
        return _folder(parts.netloc, parts.path)
    if parts.scheme not in _PORTS:
        raise ValueError("must begin with smtp://, smtps:// or file:///")
    if not parts.hostname or parts.path not in ("", "/"):
        raise ValueError("must name a host and have no path")
    near = parts.hostname in _LOOPBACK
    starttls = "" if near else "starttls"
    return MailServer(
        host=parts.hostname,
        port=port or (25 if near and parts.scheme == "smtp" else _PORTS[parts.scheme]),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        tls="implicit" if parts.scheme == "smtps" else starttls,
    )


def _folder(host: str, path: str) -> MailServer:
    if host or not path.startswith("/") or path == "/":
        raise ValueError("must name a folder by its whole path, as in file:///var/mail")
    return MailServer(folder=unquote(path))


def django_settings(server: MailServer | None) -> dict[str, Any]:
    """Django's settings of these names.

    Where nobody has said where mail goes it is dropped, and pages offer the text to copy instead.
    """
    if server is None:
        return {"EMAIL_BACKEND": f"{BACKENDS}.dummy.EmailBackend"}
    if server.folder:
        backend = f"{BACKENDS}.filebased.EmailBackend"
        return {"EMAIL_BACKEND": backend, "EMAIL_FILE_PATH": server.folder}
    return {
        "EMAIL_BACKEND": f"{BACKENDS}.smtp.EmailBackend",
        "EMAIL_HOST": server.host,
        "EMAIL_PORT": server.port,
        "EMAIL_HOST_USER": server.user,
        "EMAIL_HOST_PASSWORD": server.password,
        "EMAIL_USE_TLS": server.tls == "starttls",
        "EMAIL_USE_SSL": server.tls == "implicit",
        "EMAIL_TIMEOUT": TIMEOUT_SECONDS,
    }
