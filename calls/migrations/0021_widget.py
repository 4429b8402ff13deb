"""Widgets on other people's sites, behind the second wall, and the calls they started."""

import common.ids
import django.db.models.deletion
from django.db import migrations, models

from portal.postgresql.rls import protect


class Migration(migrations.Migration):

    dependencies = [
        ('assistants', '0006_draft_base'),
        ('calls', '0020_transfer_trunk'),
        ('portal', '0017_words_are_words'),
    ]

    operations = [
        migrations.CreateModel(
            name='Widget',
            fields=[
                ('id', models.UUIDField(default=common.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('title', models.CharField(max_length=60, verbose_name='title')),
                ('note', models.CharField(blank=True, max_length=200, verbose_name='note')),
                ('sites', models.JSONField(default=list, verbose_name='sites')),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('max_live_calls', models.PositiveSmallIntegerField(default=2, verbose_name='calls at once')),
                ('max_calls_per_day', models.PositiveIntegerField(default=100, verbose_name='calls a day')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('agency', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.organization')),
                ('assistant', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='assistants.assistant')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.organization')),
            ],
        ),
        migrations.AddField(
            model_name='call',
            name='widget',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='calls.widget'),
        ),
        migrations.AddIndex(
            model_name='call',
            index=models.Index(condition=models.Q(('widget__isnull', False)), fields=['widget', '-created_at'], name='call_by_widget'),
        ),
        migrations.AddConstraint(
            model_name='widget',
            constraint=models.CheckConstraint(condition=models.Q(('max_calls_per_day__gt', 0), ('max_live_calls__gt', 0)), name='widget_limits_above_zero'),
        ),
        protect('calls_widget'),
    ]
