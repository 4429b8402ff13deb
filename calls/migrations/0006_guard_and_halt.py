"""Limits against fraud, behind the second wall, and the switch that stops calls."""

import common.ids
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from portal.postgresql.rls import protect


class Migration(migrations.Migration):

    dependencies = [
        ('calls', '0005_trunks'),
        ('portal', '0005_privacy_settings'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CallGuard',
            fields=[
                ('id', models.UUIDField(default=common.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('countries', models.JSONField(blank=True, default=list, verbose_name='countries')),
                ('blocked_prefixes', models.JSONField(blank=True, default=list, verbose_name='blocked prefixes')),
                ('allows_premium', models.BooleanField(default=False, verbose_name='premium numbers')),
                ('hourly_microcredits', models.BigIntegerField(blank=True, null=True, verbose_name='credits an hour')),
                ('daily_microcredits', models.BigIntegerField(blank=True, null=True, verbose_name='credits a day')),
                ('first_day_calls', models.PositiveIntegerField(blank=True, null=True, verbose_name='calls on the first day')),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('agency', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.organization')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.organization')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('organization',), name='guard_once'), models.CheckConstraint(condition=models.Q(('hourly_microcredits__isnull', True), ('hourly_microcredits__gt', 0), _connector='OR'), name='guard_hourly_above_zero'), models.CheckConstraint(condition=models.Q(('daily_microcredits__isnull', True), ('daily_microcredits__gt', 0), _connector='OR'), name='guard_daily_above_zero')],
            },
        ),
        migrations.CreateModel(
            name='Halt',
            fields=[
                ('id', models.UUIDField(default=common.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('reason', models.CharField(max_length=200)),
                ('started_at', models.DateTimeField(auto_now_add=True)),
                ('lifted_at', models.DateTimeField(null=True)),
                ('lifted_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('organization', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='portal.organization')),
                ('started_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-started_at'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('lifted_at__isnull', True)), fields=('organization',), name='halt_one_at_a_time', nulls_distinct=False)],
            },
        ),
        protect('calls_callguard'),
    ]
