import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("federation", "0003_trace"),
        ("idp", "0007_rollover"),
    ]

    operations = [
        migrations.CreateModel(
            name="ExpiryWarning",
            fields=[
                ("key", models.CharField(max_length=100, primary_key=True, serialize=False)),
                ("sent_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.AddField(
            model_name="serviceprovider",
            name="contacts",
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.CreateModel(
            name="KeyPin",
            fields=[
                (
                    "service_provider",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="key_pin",
                        serialize=False,
                        to="federation.serviceprovider",
                    ),
                ),
                ("moved_at", models.DateTimeField(null=True)),
                ("fetched_at", models.DateTimeField(null=True)),
                ("fetched_kids", models.TextField(default="")),
                ("fetched_from", models.GenericIPAddressField(null=True)),
                ("fetched_with", models.CharField(default="", max_length=200)),
                ("told_at", models.DateTimeField(null=True)),
                ("told_kid", models.CharField(default="", max_length=64)),
                ("told_by", models.CharField(default="", max_length=150)),
                ("reminded_at", models.DateTimeField(null=True)),
                (
                    "signing_key",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="idp.signingkey",
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
    ]
