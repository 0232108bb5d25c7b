from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("idp", "0006_trace"),
    ]

    operations = [
        migrations.AlterField(
            model_name="signingkey",
            name="purpose",
            field=models.CharField(
                choices=[
                    ("oidc", "OpenID Connect"),
                    ("saml", "SAML"),
                    ("oidc-enc", "OpenID Connect, encryption to us"),
                    ("saml-enc", "SAML, encryption to us"),
                ],
                max_length=10,
            ),
        ),
    ]
