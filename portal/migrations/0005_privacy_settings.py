"""Each organization's own choices about the content of its calls, behind the second wall."""

import common.ids
import django.db.models.deletion
from django.db import migrations, models

from portal.postgresql.rls import protect


class Migration(migrations.Migration):

    dependencies = [
        ('portal', '0004_idempotent_answer'),
    ]

    operations = [
        migrations.CreateModel(
            name='PrivacySettings',
            fields=[
                ('id', models.UUIDField(default=common.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('regions', models.CharField(choices=[('anywhere', 'Anywhere'), ('eu', 'European Union and own servers'), ('own', 'Own servers only')], default='anywhere', max_length=8, verbose_name='where data may go')),
                ('content_retention_days', models.PositiveSmallIntegerField(choices=[(30, 30), (90, 90), (180, 180), (365, 365)], default=365, verbose_name='keep content for')),
                ('metadata_retention_days', models.PositiveSmallIntegerField(choices=[(30, 30), (90, 90), (180, 180), (365, 365), (730, 730)], default=730, verbose_name='keep metadata for')),
                ('gdpr_mode', models.BooleanField(default=False, verbose_name='keep no content')),
                ('redacted_categories', models.JSONField(blank=True, default=list)),
                ('seals_content', models.BooleanField(default=False, verbose_name='seal content at rest')),
                ('discloses_ai', models.BooleanField(default=False, verbose_name='say that it is an AI')),
                ('legal_hold_reason', models.CharField(blank=True, max_length=200, verbose_name='legal hold')),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('agency', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.organization')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.organization')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('organization',), name='privacy_once'), models.CheckConstraint(condition=models.Q(('content_retention_days__lte', models.F('metadata_retention_days'))), name='privacy_content_goes_first')],
            },
        ),
        protect('portal_privacysettings'),
    ]
