"""Let a version say which shape its settings were written in."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("assistants", "0006_draft_base")]

    operations = [
        migrations.AddField(
            model_name="assistantversion",
            name="shape",
            field=models.CharField(blank=True, max_length=16),
        )
    ]
