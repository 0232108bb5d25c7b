"""Notices outlive the session's row and are one per application's part in it."""

import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("idp", "0004_response_modes")]

    operations = [
        migrations.AlterModelOptions(
            name="logoutnotification",
            options={"ordering": ["-id"], "verbose_name": "sign-out notice"},
        ),
        migrations.RemoveConstraint(
            model_name="logoutnotification", name="one_notification_per_channel"
        ),
        # The table is as young as this column: nobody has a row yet.
        migrations.AddField(
            model_name="logoutnotification",
            name="user_id",
            field=models.UUIDField(
                default=uuid.UUID(int=0),
                help_text="Whose session it was; kept when the person is deleted.",
            ),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="logoutnotification",
            name="session",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="notifications",
                to="idp.session",
            ),
        ),
        migrations.AlterField(
            model_name="logoutnotification",
            name="application",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="notifications",
                to="idp.application",
            ),
        ),
        migrations.AddIndex(
            model_name="logoutnotification",
            index=models.Index(
                condition=models.Q(("state__in", ["acknowledged", "shown"]), _negated=True),
                fields=["state", "id"],
                name="notification_undelivered",
            ),
        ),
        migrations.AddIndex(
            model_name="logoutnotification",
            index=models.Index(fields=["application", "id"], name="notification_by_application"),
        ),
        migrations.AddConstraint(
            model_name="logoutnotification",
            constraint=models.UniqueConstraint(
                fields=("sid", "channel"), name="one_notification_per_channel"
            ),
        ),
    ]
