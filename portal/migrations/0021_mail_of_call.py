"""Which call a mail tells of, so that it is emptied with the call's content."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('portal', '0020_key_origins'),
    ]

    operations = [
        migrations.AddField(
            model_name='outgoingmail',
            name='call_id',
            field=models.UUIDField(null=True),
        ),
        migrations.AddIndex(
            model_name='outgoingmail',
            index=models.Index(condition=models.Q(('call_id__isnull', False)), fields=['call_id'], name='mail_of_call'),
        ),
    ]
