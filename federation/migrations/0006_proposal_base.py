from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("federation", "0005_metadata"),
    ]

    operations = [
        migrations.AddField(
            model_name="metadataproposal",
            name="base",
            field=models.CharField(blank=True, db_default="", max_length=64),
        ),
    ]
