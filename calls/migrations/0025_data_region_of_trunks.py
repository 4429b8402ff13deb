"""Where a carrier computes that is reached over its own API."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('calls', '0024_sealable_briefs'),
    ]

    operations = [
        migrations.AddField(
            model_name='trunk',
            name='data_region',
            field=models.CharField(choices=[('us', 'United States'), ('eu', 'European Union')], default='us', max_length=4),
        ),
    ]
