"""Mail: the one door. Never from inside a transaction; a failure is told, never swallowed."""

from __future__ import annotations

import smtplib
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.validators import validate_email

log = structlog.get_logger("gatehouse.mail")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes along."""

    name: str
    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message; everybody in `to` sees the others.

    `reply_to`: who is written to by those who answer; what is no plain address is left out.
    """

    to: tuple[str, ...]
    subject: str
    body: str
    attachments: tuple[Attachment, ...] = ()
    reply_to: tuple[str, ...] = ()


def is_configured() -> bool:
    """Whether the operator has said where mail goes (`GATEHOUSE_EMAIL_URL`)."""
    return settings.IDP.mail_server is not None


def is_address(text: str) -> bool:
    """Whether this can be written to: one plain address, without a name around it."""
    try:
        validate_email(text)
    except ValidationError:
        return False
    return len(text) <= 254


def send(messages: Sequence[Message]) -> list[str]:
    """Send over one connection; for each message an empty string, or why it was not sent."""
    connection = get_connection()
    outcomes = []
    try:
        connection.open()
        outcomes = [_send(message, connection) for message in messages]
    except (OSError, smtplib.SMTPException) as error:
        outcomes += [_reason(error)] * (len(messages) - len(outcomes))
    finally:
        connection.close()
    for reason in {reason for reason in outcomes if reason}:
        log.error("mail_failed", reason=reason, messages=outcomes.count(reason))
    return outcomes


def _send(message: Message, connection: BaseEmailBackend) -> str:
    mail = EmailMessage(
        subject=" ".join(message.subject.split()),
        body=message.body,
        to=list(message.to),
        reply_to=[address for address in message.reply_to if is_address(address)],
        connection=connection,
    )
    for one in message.attachments:
        mail.attach(one.name, one.content, one.media_type)
    try:
        mail.send()
    except smtplib.SMTPServerDisconnected:
        raise
    except ValueError:
        # A name that looks like one of a host, and that IDNA does not know (RFC 3490 §4.1).
        return "the address cannot be written to"
    except (OSError, smtplib.SMTPException) as error:
        return _reason(error)
    return ""


def _reason(error: Exception) -> str:
    """What went wrong, in a few words; servers repeat in theirs what they were sent."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return "the mail server refuses name or password"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "the mail server refuses the address"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"the mail server answers with {error.smtp_code}"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return "the mail server does not offer STARTTLS or signing in"
    return f"the mail server cannot be reached ({type(error).__name__})"
