"""Websites whose pages may join a call."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('calls', '0022_sealable_events'),
    ]

    operations = [
        migrations.AddField(
            model_name='call',
            name='allowed_origins',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=200), db_default=[], default=list, size=None),
        ),
    ]
