"""Let a transfer say which trunk its line to the person takes a channel of."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('calls', '0019_seal_findings'),
    ]

    operations = [
        migrations.AddField(
            model_name='transfer',
            name='trunk',
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name='+',
                to='calls.trunk',
            ),
        ),
    ]
