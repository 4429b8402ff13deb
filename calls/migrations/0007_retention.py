"""Proof of deletions, behind the second wall; and what a call still has to lose."""

import common.ids
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from portal.postgresql.rls import protect


class Migration(migrations.Migration):

    dependencies = [
        ('assistants', '0003_row_level_security'),
        ('calls', '0006_guard_and_halt'),
        ('portal', '0008_webhooks'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='RetentionRun',
            fields=[
                ('id', models.UUIDField(default=common.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('content_days', models.PositiveSmallIntegerField()),
                ('metadata_days', models.PositiveSmallIntegerField()),
                ('content_count', models.PositiveIntegerField(default=0)),
                ('metadata_count', models.PositiveIntegerField(default=0)),
                ('recording_count', models.PositiveIntegerField(default=0)),
                ('turn_count', models.PositiveIntegerField(default=0)),
                ('checked_count', models.PositiveIntegerField(default=0)),
                ('left_count', models.PositiveIntegerField(default=0)),
                ('started_at', models.DateTimeField(auto_now_add=True)),
                ('finished_at', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ['-started_at', '-pk'],
            },
        ),
        migrations.AddField(
            model_name='call',
            name='content_purged_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='call',
            name='keeps_content',
            field=models.BooleanField(default=True),
        ),
        migrations.AddField(
            model_name='call',
            name='metadata_purged_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name='call',
            index=models.Index(condition=models.Q(('metadata_purged_at__isnull', True)), fields=['organization', 'ended_at'], name='call_to_purge'),
        ),
        migrations.AddField(
            model_name='retentionrun',
            name='agency',
            field=models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.organization'),
        ),
        migrations.AddField(
            model_name='retentionrun',
            name='organization',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.organization'),
        ),
        migrations.AddIndex(
            model_name='retentionrun',
            index=models.Index(fields=['organization', '-started_at'], name='retention_run_by_owner'),
        ),
        protect('calls_retentionrun'),
    ]
