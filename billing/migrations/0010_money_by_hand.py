"""Credits given by hand that wait for a second person, and who set a platform price."""

import common.ids
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0009_ledger_indexes'),
        ('portal', '0017_words_are_words'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='GrantRequest',
            fields=[
                ('id', models.UUIDField(default=common.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('way', models.CharField(choices=[('give', 'Given'), ('move', 'Moved from the pool'), ('correct', 'Correction')], max_length=8)),
                ('amount_microcredits', models.BigIntegerField()),
                ('memo', models.CharField(max_length=200)),
                ('expires_at', models.DateTimeField(null=True)),
                ('key', models.CharField(max_length=64)),
                ('is_operators', models.BooleanField(default=False)),
                ('asked_with', models.CharField(blank=True, max_length=80)),
                ('asked_at', models.DateTimeField(auto_now_add=True)),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('approved', 'Approved'), ('refused', 'Refused')], default='waiting', max_length=8)),
                ('decided_at', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ['-asked_at', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='GrantRule',
            fields=[
                ('id', models.UUIDField(default=common.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('approval_above_microcredits', models.BigIntegerField(blank=True, null=True)),
            ],
        ),
        migrations.AddField(
            model_name='platformprice',
            name='set_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='set by'),
        ),
        migrations.AddField(
            model_name='grantrequest',
            name='agency',
            field=models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.organization'),
        ),
        migrations.AddField(
            model_name='grantrequest',
            name='asked_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='grantrequest',
            name='corrects',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='billing.ledgerentry'),
        ),
        migrations.AddField(
            model_name='grantrequest',
            name='decided_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='grantrequest',
            name='entry',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='billing.ledgerentry'),
        ),
        migrations.AddField(
            model_name='grantrequest',
            name='organization',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.organization'),
        ),
        migrations.AddField(
            model_name='grantrequest',
            name='receiver',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='portal.organization'),
        ),
        migrations.AddField(
            model_name='grantrule',
            name='agency',
            field=models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.organization'),
        ),
        migrations.AddField(
            model_name='grantrule',
            name='organization',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.organization'),
        ),
        migrations.AddIndex(
            model_name='grantrequest',
            index=models.Index(condition=models.Q(('state', 'waiting')), fields=['organization'], name='grant_request_waiting'),
        ),
        migrations.AddConstraint(
            model_name='grantrequest',
            constraint=models.UniqueConstraint(fields=('receiver', 'key'), name='grant_request_once'),
        ),
        migrations.AddConstraint(
            model_name='grantrequest',
            constraint=models.CheckConstraint(condition=models.Q(('amount_microcredits__gt', 0), ('way', 'correct'), _connector='OR'), name='grant_request_gives_something'),
        ),
        migrations.AddConstraint(
            model_name='grantrule',
            constraint=models.UniqueConstraint(fields=('organization',), name='grant_rule_once'),
        ),
    ]
