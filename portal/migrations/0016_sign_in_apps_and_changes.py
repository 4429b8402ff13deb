from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("portal", "0015_portal_language_of_visitors")]

    operations = [
        migrations.AddField(
            model_name="portal",
            name="sign_in_apps",
            field=models.JSONField(default=dict, editable=False),
        ),
        # Counts changes of portals, for the memory of every process.
        migrations.RunSQL(
            "CREATE SEQUENCE portal_changes", "DROP SEQUENCE portal_changes"
        ),
    ]
