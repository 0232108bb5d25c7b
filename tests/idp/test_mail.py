"""Mail: sent over one connection, failures told in words without what was sent."""

from __future__ import annotations

import email.utils
import smtplib
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core import mail as django_mail

from idp import mail
from idp.mail import Attachment, Message

MESSAGE = Message(
    ("ops@sp.example",), "Hello\nthere", "Text", (Attachment("a.pem", b"PEM", "x/y"),)
)


def test_sends_with_attachments() -> None:
    assert mail.send([MESSAGE]) == [""]
    (sent,) = django_mail.outbox
    assert (sent.to, sent.subject) == (["ops@sp.example"], "Hello there")
    assert sent.attachments[0][0] == "a.pem"


def test_carries_its_date() -> None:
    mail.send([MESSAGE])
    (sent,) = django_mail.outbox
    assert email.utils.parsedate_to_datetime(sent.message()["Date"])


def test_answers_go_to_plain_addresses_only() -> None:
    odd = ("a@sp.example\nBcc: all@victim.example", "a@sp.example, b@sp.example", "", "odd")
    mail.send([replace(MESSAGE, reply_to=("ada@sp.example", *odd))])
    (sent,) = django_mail.outbox
    assert sent.message()["Reply-To"] == "ada@sp.example"


def test_nothing_to_send() -> None:
    assert mail.send([]) == []


def test_writes_files(settings: Any, tmp_path: Path) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = tmp_path / "mail"
    assert mail.send([MESSAGE, MESSAGE]) == ["", ""]
    texts = [path.read_text() for path in (tmp_path / "mail").iterdir()]
    assert "".join(texts).count("To: ops@sp.example") == 2


def test_whether_mail_is_sent_at_all(settings: Any) -> None:
    settings.IDP = settings.IDP.model_copy(update={"email_url": ""})
    assert not mail.is_configured()
    settings.IDP = settings.IDP.model_copy(update={"email_url": "smtp://mail.example"})
    assert mail.is_configured()


@pytest.fixture
def smtp(settings: Any) -> Iterator[Any]:
    """A mail server that gives the answers it was told to give."""
    listener = socket.create_server(("127.0.0.1", 0))
    answers: dict[bytes, bytes] = {}

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client, client.makefile("rwb", buffering=0) as stream:
                stream.write(b"220 hello\r\n")
                in_data = False
                for line in stream:
                    if in_data:
                        if line == b".\r\n":
                            in_data = False
                            stream.write(b"250 taken\r\n")
                        continue
                    verb = line[:4].upper()
                    answer = answers.get(verb, b"354 go on" if verb == b"DATA" else b"250 fine")
                    in_data = answer.startswith(b"354")
                    stream.write(answer + b"\r\n")
                    if verb == b"QUIT" or answer.startswith(b"421"):
                        break

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", listener.getsockname()[1]
    settings.EMAIL_TIMEOUT = 5
    yield answers
    listener.shutdown(socket.SHUT_RDWR)  # what waits in accept() hears of no mere close
    listener.close()
    thread.join()


def test_a_server_takes_them(smtp: dict[bytes, bytes]) -> None:
    assert mail.send([MESSAGE, MESSAGE]) == ["", ""]


@pytest.mark.parametrize(
    ("verb", "answer", "words"),
    [
        (b"RCPT", b"550 no <ops@sp.example>", "the mail server refuses the address"),
        (b"MAIL", b"552 too large", "the mail server answers with 552"),
        (b"DATA", b"451 later", "the mail server answers with 451"),
    ],
)
def test_refusals_are_told(
    smtp: dict[bytes, bytes], verb: bytes, answer: bytes, words: str
) -> None:
    smtp[verb] = answer
    assert mail.send([MESSAGE, MESSAGE]) == [words, words]


def test_a_server_that_hangs_up_gets_no_further_message(smtp: dict[bytes, bytes]) -> None:
    smtp[b"DATA"] = b"421 bye"
    first, second = mail.send([MESSAGE, MESSAGE])
    assert first.startswith("the mail server")
    assert second == "the mail server cannot be reached (SMTPServerDisconnected)"


def test_a_server_without_starttls_gets_nothing(smtp: dict[bytes, bytes], settings: Any) -> None:
    settings.EMAIL_USE_TLS = True
    (outcome,) = mail.send([MESSAGE])
    assert outcome == "the mail server does not offer STARTTLS or signing in"


def test_a_server_that_is_not_there(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    assert mail.send([MESSAGE]) == ["the mail server cannot be reached (ConnectionRefusedError)"]


def test_reasons_hold_nothing_of_what_was_sent() -> None:
    secret = smtplib.SMTPAuthenticationError(535, b"hunter2")
    assert "hunter2" not in mail._reason(secret)


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("ops@sp.example", True),
        ("ops@sp.example, x@y.example", False),
        ("ops@sp.example\n", False),
        ("", False),
    ],
)
def test_addresses(text: str, good: bool) -> None:
    assert mail.is_address(text) is good


@pytest.mark.parametrize("host", ["\u00e4" * 60, "\u05d0a"], ids=["too long", "both ways"])
def test_an_address_that_cannot_be_written_to_keeps_nobody_away(
    smtp: dict[bytes, bytes], host: str
) -> None:
    """It looks like an address, and stands in a stranger's metadata."""
    broken = f"ops@{host}.example"
    assert mail.is_address(broken)
    outcomes = mail.send([MESSAGE, Message((broken,), "Hello", "Text"), MESSAGE])
    assert outcomes == ["", "the address cannot be written to", ""]
