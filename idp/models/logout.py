"""The outbox of logout notifications: who is told that a session has ended, and what they said."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone

from idp.models.application import Application
from idp.models.identifiers import new_id
from idp.models.session import Session


class LogoutNotification(models.Model):
    """One application's notice that its part in one session is over, by one channel.

    Written in the transaction that ends the session; whoever sends takes it by a conditional
    update of `next_at`, so that it survives a restart and is sent by one process at a time.
    It outlives the session's row: a person's account may be deleted before everybody was told.
    """

    class Channel(models.TextChoices):
        BACKCHANNEL = "backchannel", "Back-channel"
        FRONTCHANNEL = "frontchannel", "Front-channel"
        SAML_SOAP = "saml-soap", "SAML, SOAP"
        SAML_BROWSER = "saml-browser", "SAML, in the browser"

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RETRYING = "retrying", "Retrying"
        ACKNOWLEDGED = "acknowledged", "Acknowledged"
        SHOWN = "shown", "Sent through the browser"
        FAILED = "failed", "Failed"
        UNREACHABLE = "unreachable", "Unreachable"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    session = models.ForeignKey(
        Session, models.SET_NULL, null=True, blank=True, related_name="notifications"
    )
    user_id = models.UUIDField(help_text="Whose session it was; kept when the person is deleted.")
    application = models.ForeignKey(
        Application, models.CASCADE, related_name="notifications", db_index=False
    )
    channel = models.CharField(max_length=12, choices=Channel.choices)
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    sid = models.UUIDField(default=uuid.uuid4)
    name_id = models.CharField(
        max_length=300, blank=True, default="", db_default="", help_text="Participant.name_id"
    )
    name_id_format = models.CharField(max_length=100, blank=True, default="", db_default="")
    request_id = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text="Of the message that a browser took along: its answer has to name it.",
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    next_at = models.DateTimeField(null=True, help_text="When it is sent (again); none when done.")
    last_attempt_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True, help_text="The last HTTP status.")
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name = "sign-out notice"
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["sid", "channel"], name="one_notification_per_channel")
        ]
        # What is under way or went wrong is little, and looked for among much that went well.
        indexes: ClassVar = [
            models.Index(
                fields=["next_at"],
                condition=models.Q(next_at__isnull=False),
                name="notification_due",
            ),
            models.Index(
                fields=["state", "id"],
                condition=~models.Q(state__in=["acknowledged", "shown"]),
                name="notification_undelivered",
            ),
            models.Index(fields=["application", "id"], name="notification_by_application"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} to {self.application_id}: {self.state}"
