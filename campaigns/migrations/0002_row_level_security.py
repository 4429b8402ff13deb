"""Put the second wall around owned tables."""

from django.db import migrations

from portal.postgresql.rls import protect


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0001_initial")]

    operations = [
        protect("campaigns_campaign"),
        protect("campaigns_lead"),
        protect("campaigns_attempt"),
    ]
