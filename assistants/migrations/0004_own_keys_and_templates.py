"""Keep organizations' own keys, MCP servers, templates, and drafts of assistants."""

import common.ids
import django.db.models.deletion
import portal.sealed
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('assistants', '0003_row_level_security'),
        ('portal', '0004_idempotent_answer'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='assistant',
            name='draft_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='assistant',
            name='draft_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='assistant',
            name='draft_json',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='assistantversion',
            name='restored_from',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.CreateModel(
            name='AnalysisTemplate',
            fields=[
                ('id', models.UUIDField(default=common.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=120, verbose_name='name')),
                ('description', models.TextField(blank=True, max_length=2000)),
                ('system_prompt', models.TextField(blank=True)),
                ('user_prompt', models.TextField(blank=True)),
                ('schema', models.JSONField(default=dict)),
                ('min_messages_threshold', models.PositiveSmallIntegerField(default=2)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('agency', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.organization')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.organization')),
            ],
            options={
                'ordering': ['name', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='ToolTemplate',
            fields=[
                ('id', models.UUIDField(default=common.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=120, verbose_name='name')),
                ('description', models.TextField(blank=True, max_length=2000)),
                ('tool_type', models.CharField(choices=[('function', 'Webhook function'), ('end_call', 'End the call'), ('transfer_call', 'Transfer the call')], max_length=16)),
                ('tool_config', models.JSONField(default=dict)),
                ('server_secret', portal.sealed.SealedTextField(blank=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('agency', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.organization')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.organization')),
            ],
            options={
                'ordering': ['name', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='McpServer',
            fields=[
                ('id', models.UUIDField(default=common.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=80, verbose_name='name')),
                ('url', models.CharField(max_length=2000)),
                ('transport', models.CharField(choices=[('streamable_http', 'Streamable HTTP'), ('sse', 'Server-sent events (older)')], default='streamable_http', max_length=16)),
                ('headers', portal.sealed.SealedTextField(blank=True)),
                ('header_names', models.JSONField(default=list)),
                ('timeout_seconds', models.PositiveIntegerField(default=20)),
                ('tested_at', models.DateTimeField(null=True)),
                ('last_test', models.JSONField(default=dict)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('agency', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.organization')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.organization')),
            ],
            options={
                'ordering': ['name', 'pk'],
                'constraints': [models.UniqueConstraint(fields=('organization', 'name'), name='mcp_server_name_once')],
            },
        ),
        migrations.CreateModel(
            name='ProviderKey',
            fields=[
                ('id', models.UUIDField(default=common.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('provider', models.CharField(max_length=30)),
                ('secret', portal.sealed.SealedTextField()),
                ('last_four', models.CharField(blank=True, max_length=4)),
                ('config', models.JSONField(default=dict)),
                ('is_shared', models.BooleanField(default=False)),
                ('state', models.CharField(choices=[('valid', 'Works'), ('limited', 'Accepted, with a limit')], default='valid', max_length=10)),
                ('note', models.CharField(blank=True, max_length=200)),
                ('checked_at', models.DateTimeField()),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('agency', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.organization')),
                ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.organization')),
            ],
            options={
                'ordering': ['provider'],
                'constraints': [models.UniqueConstraint(fields=('organization', 'provider'), name='provider_key_once')],
            },
        ),
    ]
