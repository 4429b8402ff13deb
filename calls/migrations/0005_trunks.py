"""Trunks, transfers and consents, and what calls and numbers say of them."""

import common.ids
import django.db.models.deletion
import portal.sealed
from django.db import migrations, models

from portal.postgresql.rls import protect


class Migration(migrations.Migration):

    dependencies = [
        ('calls', '0004_number_updated_at'),
        ('portal', '0004_idempotent_answer'),
    ]

    operations = [
        migrations.AddField(
            model_name='call',
            name='carrier_code',
            field=models.CharField(blank=True, max_length=24),
        ),
        migrations.AddField(
            model_name='phonenumber',
            name='busy_message',
            field=models.CharField(blank=True, max_length=300),
        ),
        migrations.AddField(
            model_name='phonenumber',
            name='closed_message',
            field=models.CharField(blank=True, max_length=300),
        ),
        migrations.AddField(
            model_name='phonenumber',
            name='suspended_message',
            field=models.CharField(blank=True, max_length=300),
        ),
        migrations.CreateModel(
            name='Trunk',
            fields=[
                ('id', models.UUIDField(default=common.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=80, verbose_name='name')),
                ('provider', models.CharField(default='other', max_length=40)),
                ('carrier', models.CharField(default='sip', max_length=20)),
                ('host', models.CharField(blank=True, max_length=253)),
                ('port', models.PositiveIntegerField(null=True)),
                ('transport', models.CharField(choices=[('udp', 'UDP'), ('tcp', 'TCP'), ('tls', 'TLS')], default='udp', max_length=3)),
                ('outbound_host', models.CharField(blank=True, max_length=260)),
                ('auth_username', models.CharField(blank=True, max_length=120)),
                ('auth_password', portal.sealed.SealedTextField(blank=True)),
                ('password_hint', models.CharField(blank=True, max_length=8)),
                ('registers', models.BooleanField(default=False)),
                ('inbound_addresses', models.JSONField(default=list)),
                ('outbound_number', models.CharField(blank=True, max_length=16)),
                ('caller_id', models.CharField(choices=[('number', 'The number the call is made from'), ('outbound', "Always the trunk's own number")], default='number', max_length=8)),
                ('number_format', models.CharField(choices=[('plus', '+31201234567'), ('digits', '31201234567'), ('national', '0201234567')], default='plus', max_length=8)),
                ('max_channels', models.PositiveIntegerField(default=10)),
                ('calls_per_second', models.PositiveIntegerField(default=1)),
                ('next_start_at', models.DateTimeField(null=True)),
                ('is_active', models.BooleanField(default=True)),
                ('check_result', models.JSONField(default=dict)),
                ('check_asked_at', models.DateTimeField(null=True)),
                ('checked_at', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('agency', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.organization')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.organization')),
            ],
            options={
                'ordering': ['name', 'pk'],
            },
        ),
        migrations.AddField(
            model_name='call',
            name='trunk',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='calls', to='calls.trunk'),
        ),
        migrations.AddField(
            model_name='phonenumber',
            name='transfer_trunk',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='transfer_numbers', to='calls.trunk'),
        ),
        migrations.AddField(
            model_name='phonenumber',
            name='trunk',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='numbers', to='calls.trunk'),
        ),
        migrations.CreateModel(
            name='RecordingConsent',
            fields=[
                ('id', models.UUIDField(default=common.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('question', models.TextField()),
                ('language', models.CharField(max_length=16)),
                ('asked_count', models.PositiveSmallIntegerField()),
                ('asked_at', models.DateTimeField()),
                ('answer', models.CharField(choices=[('given', 'Agreed'), ('declined', 'Declined'), ('none', 'No answer')], max_length=8)),
                ('way', models.CharField(blank=True, choices=[('digit', 'By a digit'), ('speech', 'Spoken')], max_length=6)),
                ('heard', models.CharField(blank=True, max_length=40)),
                ('answered_at', models.DateTimeField()),
                ('digest', models.CharField(max_length=64)),
                ('agency', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.organization')),
                ('call', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='consent', to='calls.call')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.organization')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('answer', 'none'), models.Q(('way', ''), _negated=True), _connector='OR'), name='consent_says_how_it_was_given')],
            },
        ),
        migrations.CreateModel(
            name='Transfer',
            fields=[
                ('id', models.UUIDField(default=common.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('blind', 'Handed on at once'), ('warm', 'Announced to the person first')], default='blind', max_length=5)),
                ('destination', models.CharField(max_length=260)),
                ('brief', models.TextField(blank=True)),
                ('asked_by', models.CharField(max_length=10)),
                ('method', models.CharField(blank=True, max_length=6)),
                ('status', models.CharField(choices=[('asked', 'Asked for'), ('ringing', 'Ringing'), ('briefing', 'Announcing'), ('bridged', 'Connected'), ('done', 'Completed'), ('failed', 'Did not work')], default='asked', max_length=8)),
                ('reason', models.CharField(blank=True, max_length=20)),
                ('detail', models.CharField(blank=True, max_length=300)),
                ('asked_at', models.DateTimeField()),
                ('answered_at', models.DateTimeField(null=True)),
                ('bridged_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('agency', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.organization')),
                ('call', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='transfers', to='calls.call')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.organization')),
            ],
            options={
                'ordering': ['asked_at', 'pk'],
                'indexes': [models.Index(fields=['call', 'asked_at'], name='transfer_by_call')],
            },
        ),
        migrations.AddConstraint(
            model_name='trunk',
            constraint=models.CheckConstraint(condition=models.Q(('port__isnull', True), ('port__range', (1, 65535)), _connector='OR'), name='trunk_port_is_one'),
        ),
        migrations.AddConstraint(
            model_name='trunk',
            constraint=models.CheckConstraint(condition=models.Q(('max_channels__gte', 1), ('calls_per_second__gte', 1)), name='trunk_allows_calls'),
        ),
        protect("calls_trunk"),
        protect("calls_transfer"),
        protect("calls_recordingconsent"),
    ]
