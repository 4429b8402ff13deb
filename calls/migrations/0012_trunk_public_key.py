"""Keep what a carrier signs its events with."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('calls', '0011_sealable_turns'),
    ]

    operations = [
        migrations.AddField(
            model_name='trunk',
            name='public_key',
            field=models.CharField(blank=True, max_length=120),
        ),
    ]
