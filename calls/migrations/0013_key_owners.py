"""Say whose keys pay for a call."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("calls", "0012_trunk_public_key"),
    ]

    operations = [
        migrations.AddField(
            model_name='call',
            name='key_owners',
            field=models.JSONField(default=dict),
        ),
    ]
