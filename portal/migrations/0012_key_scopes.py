"""Say what a key may do, from where and until when; let portals name theirs."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import portal.models.api_key
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('portal', '0011_trusted_hosts'),
    ]

    operations = [
        migrations.AddField(
            model_name='apikey',
            name='last_used_from',
            field=models.CharField(blank=True, max_length=45),
        ),
        migrations.AddField(
            model_name='apikey',
            name='mode',
            field=models.CharField(choices=[('live', 'Live'), ('test', 'Test')], default='live', max_length=4),
        ),
        migrations.AddField(
            model_name='apikey',
            name='networks',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=50), default=list, size=None),
        ),
        migrations.AddField(
            model_name='apikey',
            name='replaced_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='portal.apikey'),
        ),
        migrations.AddField(
            model_name='apikey',
            name='role',
            field=models.CharField(choices=[('owner', 'Owner'), ('admin', 'Admin'), ('operator', 'Operator'), ('viewer', 'Viewer')], default='admin', max_length=10),
        ),
        migrations.AddField(
            model_name='apikey',
            name='scopes',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), default=portal.models.api_key.everything, size=None),
        ),
        migrations.AddField(
            model_name='portal',
            name='api_key_prefix',
            field=models.CharField(default='fl', max_length=10, validators=[django.core.validators.RegexValidator('^[a-z][a-z0-9]{1,9}$', 'Use 2 to 10 small letters and digits.')], verbose_name='start of API keys'),
        ),
        migrations.AlterField(
            model_name='apikey',
            name='prefix',
            field=models.CharField(max_length=24),
        ),
    ]
