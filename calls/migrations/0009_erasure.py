"""Certificates of erasure, behind the second wall."""

import common.ids
import django.db.models.deletion
from django.db import migrations, models

from portal.postgresql.rls import protect


class Migration(migrations.Migration):

    dependencies = [
        ('calls', '0008_pace'),
        ('portal', '0011_trusted_hosts'),
    ]

    operations = [
        migrations.CreateModel(
            name='Erasure',
            fields=[
                ('id', models.UUIDField(default=common.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('number_hash', models.CharField(max_length=16)),
                ('call_count', models.PositiveIntegerField()),
                ('recording_count', models.PositiveIntegerField()),
                ('lead_count', models.PositiveIntegerField()),
                ('left_count', models.PositiveIntegerField()),
                ('is_still_suppressed', models.BooleanField()),
                ('erased_by', models.CharField(max_length=254)),
                ('erased_at', models.DateTimeField()),
                ('digest', models.CharField(max_length=64)),
                ('agency', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.organization')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.organization')),
            ],
            options={
                'ordering': ['-erased_at', '-pk'],
            },
        ),
        protect('calls_erasure'),
    ]
