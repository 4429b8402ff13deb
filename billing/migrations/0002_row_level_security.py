"""Put the second wall around owned tables."""

from django.db import migrations

from portal.postgresql.rls import protect


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]

    operations = [
        protect("billing_account"),
        protect("billing_ledgerentry"),
        protect("billing_posting"),
        protect("billing_hold"),
        protect("billing_price"),
    ]
