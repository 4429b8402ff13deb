"""Let a trunk say which codecs it speaks, whether audio is encrypted, and who it calls us."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('calls', '0017_call_alerts'),
    ]

    operations = [
        migrations.AddField(
            model_name='trunk',
            name='codecs',
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name='trunk',
            name='srtp',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='trunk',
            name='domain',
            field=models.CharField(blank=True, max_length=253),
        ),
        migrations.AddField(
            model_name='trunk',
            name='register_expires_s',
            field=models.PositiveIntegerField(default=600),
        ),
        migrations.AddField(
            model_name='trunk',
            name='options_every_s',
            field=models.PositiveIntegerField(default=60),
        ),
    ]
