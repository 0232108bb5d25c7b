from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("idp", "0005_logout_outbox"),
    ]

    operations = [
        migrations.AddField(
            model_name="signin",
            name="sent",
            field=models.JSONField(
                blank=True, db_default=models.Value({}, models.JSONField()), default=dict
            ),
        ),
    ]
