"""Tell when a number was changed last."""

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("calls", "0003_row_level_security")]

    operations = [
        migrations.AddField(
            model_name="phonenumber",
            name="updated_at",
            field=models.DateTimeField(
                auto_now=True, default=django.utils.timezone.now
            ),
            preserve_default=False,
        ),
    ]
