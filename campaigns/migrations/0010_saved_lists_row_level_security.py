"""Put the second wall around saved lists and their people."""

from django.db import migrations

from portal.postgresql.rls import protect


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0009_saved_lists_and_legal_versions")]

    operations = [
        protect("campaigns_savedlist"),
        protect("campaigns_savedperson"),
    ]
