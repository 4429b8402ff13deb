"""Put the second wall around owned tables."""

from django.db import migrations

from portal.postgresql.rls import protect


class Migration(migrations.Migration):
    dependencies = [("assistants", "0002_initial")]

    operations = [
        protect("assistants_assistant"),
        protect("assistants_assistantversion"),
    ]
