"""Let the text of a turn be kept sealed; the column stays as it is."""


import portal.sealed
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('calls', '0010_call_count'),
    ]

    operations = [
        migrations.AlterField(
            model_name='turn',
            name='text',
            field=portal.sealed.SealableTextField(),
        ),
    ]
