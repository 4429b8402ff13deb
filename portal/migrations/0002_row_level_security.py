"""Put the second wall around owned tables."""

from django.db import migrations

from portal.postgresql.rls import protect


class Migration(migrations.Migration):
    dependencies = [("portal", "0001_initial")]

    operations = [
        protect("portal_apikey"),
        protect("portal_auditrecord"),
    ]
