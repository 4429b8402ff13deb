"""Keep what was found out after each call, behind the second wall."""

import common.ids
import django.db.models.deletion
from django.db import migrations, models

from portal.postgresql.rls import protect


class Migration(migrations.Migration):

    dependencies = [
        ("calls", "0013_key_owners"),
        ('portal', '0012_key_scopes'),
    ]

    operations = [
        migrations.CreateModel(
            name='CallAnalysis',
            fields=[
                ('id', models.UUIDField(default=common.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('status', models.CharField(choices=[('pending', 'Waiting'), ('running', 'Running'), ('done', 'Done'), ('skipped', 'Too short'), ('failed', 'Failed')], default='pending', max_length=8)),
                ('summary', models.TextField(blank=True)),
                ('data', models.JSONField(null=True)),
                ('is_success', models.BooleanField(null=True)),
                ('success_reason', models.TextField(blank=True)),
                ('note', models.CharField(blank=True, max_length=300)),
                ('provider', models.CharField(blank=True, max_length=40)),
                ('model', models.CharField(blank=True, max_length=100)),
                ('key_owner', models.CharField(blank=True, max_length=14)),
                ('input_tokens', models.PositiveIntegerField(default=0)),
                ('output_tokens', models.PositiveIntegerField(default=0)),
                ('cost_microeuros', models.BigIntegerField(default=0)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('due_at', models.DateTimeField()),
                ('claimed_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('agency', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.organization')),
                ('call', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='analysis', to='calls.call')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.organization')),
            ],
            options={
                'ordering': ['-due_at', '-pk'],
                'indexes': [models.Index(condition=models.Q(('status__in', ['pending', 'running'])), fields=['due_at'], name='analysis_due')],
            },
        ),
        protect("calls_callanalysis"),
    ]
