"""Notices of both protocols: under which name a person is known, which message was sent."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("idp", "0007_rollover")]

    operations = [
        migrations.AddField(
            model_name="logoutnotification",
            name="name_id",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Participant.name_id",
                max_length=300,
            ),
        ),
        migrations.AddField(
            model_name="logoutnotification",
            name="name_id_format",
            field=models.CharField(blank=True, db_default="", default="", max_length=100),
        ),
        migrations.AddField(
            model_name="logoutnotification",
            name="request_id",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Of the message that a browser took along: its answer has to name it.",
                max_length=64,
            ),
        ),
        migrations.AlterField(
            model_name="logoutnotification",
            name="channel",
            field=models.CharField(
                choices=[
                    ("backchannel", "Back-channel"),
                    ("frontchannel", "Front-channel"),
                    ("saml-soap", "SAML, SOAP"),
                    ("saml-browser", "SAML, in the browser"),
                ],
                max_length=12,
            ),
        ),
        migrations.AddIndex(
            model_name="participant",
            index=models.Index(
                condition=models.Q(("name_id__gt", "")),
                fields=["application", "name_id"],
                name="participant_by_name",
            ),
        ),
    ]
