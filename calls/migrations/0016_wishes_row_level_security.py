"""Put the second wall around what people asked for."""

from django.db import migrations

from portal.postgresql.rls import protect


class Migration(migrations.Migration):
    dependencies = [("calls", "0015_wishes")]

    operations = [protect("calls_callwish")]
