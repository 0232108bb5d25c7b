"""Where mail goes: what the address means, and what is refused."""

from __future__ import annotations

import pytest

from idp import mail_server
from idp.mail_server import MailServer

FILES = "django.core.mail.backends.filebased.EmailBackend"
SMTP = "django.core.mail.backends.smtp.EmailBackend"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", None),
        ("smtp://mail.example", MailServer(host="mail.example", port=587, tls="starttls")),
        (
            "smtp://me:s%40%2f%3a@mail.example:2525",
            MailServer(host="mail.example", port=2525, user="me", password="s@/:", tls="starttls"),
        ),
        ("smtps://mail.example/", MailServer(host="mail.example", port=465, tls="implicit")),
        ("smtp://localhost", MailServer(host="localhost", port=25)),
        ("smtps://127.0.0.1", MailServer(host="127.0.0.1", port=465, tls="implicit")),
        ("file:///var/gate%20house/mail", MailServer(folder="/var/gate house/mail")),
    ],
)
def test_reads_addresses(url: str, expected: MailServer | None) -> None:
    assert mail_server.parse(url) == expected


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mail.example", "must begin with"),
        ("http://mail.example", "must begin with"),
        ("SMTP+tls://mail.example", "must begin with"),
        ("smtp://", "name a host"),
        ("smtp://mail.example/path", "no path"),
        ("smtp://mail.example?tls=none", "neither query"),
        ("smtp://me:a#b@mail.example", "must be an address"),
        ("smtp://mail.example:port", "must be an address"),
        ("file://host/var", "whole path"),
        ("file:relative", "whole path"),
        ("file:///", "whole path"),
    ],
)
def test_refuses(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as refusal:
        mail_server.parse(url)
    assert refusal.value.__cause__ is None


def test_the_password_is_in_no_representation() -> None:
    server = mail_server.parse("smtp://me:hunter2@mail.example")
    assert "hunter2" not in repr(server)


def test_settings_for_django() -> None:
    def of(url: str) -> dict[str, object]:
        return mail_server.django_settings(mail_server.parse(url))

    assert of("file:///m") == {"EMAIL_BACKEND": FILES, "EMAIL_FILE_PATH": "/m"}
    assert of("")["EMAIL_BACKEND"].endswith("dummy.EmailBackend")  # type: ignore[attr-defined]
    found = of("smtp://me:pw@mail.example")
    assert (found["EMAIL_BACKEND"], found["EMAIL_USE_TLS"], found["EMAIL_USE_SSL"]) == (
        SMTP,
        True,
        False,
    )
    assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("me", "pw")
    assert of("smtps://mail.example")["EMAIL_USE_SSL"] is True
