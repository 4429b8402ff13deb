"""What a person is told of a caller can be kept sealed."""

import portal.sealed
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('calls', '0023_allowed_origins'),
    ]

    operations = [
        migrations.AlterField(
            model_name='transfer',
            name='brief',
            field=portal.sealed.SealableTextField(blank=True),
        ),
    ]
