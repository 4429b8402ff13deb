"""Whom a caller is handed on to, under a rule about regions."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('portal', '0022_fewer_webhook_indexes'),
    ]

    operations = [
        migrations.AddField(
            model_name='privacysettings',
            name='keeps_callers_inside',
            field=models.BooleanField(default=False, verbose_name='hand callers on to numbers of the EU only'),
        ),
    ]
