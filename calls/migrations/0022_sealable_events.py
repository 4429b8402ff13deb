"""What tools were given and answered can be kept sealed."""

import portal.sealed
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('calls', '0021_widget'),
    ]

    operations = [
        migrations.AddField(
            model_name='callevent',
            name='content_json',
            field=portal.sealed.SealableTextField(blank=True),
        ),
    ]
