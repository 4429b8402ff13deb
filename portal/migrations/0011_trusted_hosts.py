"""Hosts of an organization that lie inside its region."""


from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('portal', '0010_portal_walls'),
    ]

    operations = [
        migrations.AddField(
            model_name='privacysettings',
            name='trusted_hosts',
            field=models.JSONField(blank=True, default=list),
        ),
    ]
