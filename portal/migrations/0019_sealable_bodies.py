"""What webhooks tell, and are answered, can be kept sealed."""

import portal.sealed
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('portal', '0018_template_library'),
    ]

    operations = [
        migrations.AlterField(
            model_name='webhookattempt',
            name='response_body',
            field=portal.sealed.SealableTextField(blank=True),
        ),
        migrations.AlterField(
            model_name='webhookevent',
            name='body',
            field=portal.sealed.SealableTextField(),
        ),
    ]
