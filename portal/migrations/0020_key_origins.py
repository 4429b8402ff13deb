"""Websites that may join the browser calls a key starts."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('portal', '0019_sealable_bodies'),
    ]

    operations = [
        migrations.AddField(
            model_name='apikey',
            name='origins',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=200), default=list, size=None),
        ),
    ]
