from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("federation", "0002_profiles"),
    ]

    operations = [
        migrations.AddField(
            model_name="serviceprovider",
            name="template",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                help_text="The template that it was registered by, for its settings to copy.",
                max_length=40,
            ),
        ),
    ]
