"""Put the second wall around owned tables."""

from django.db import migrations

from portal.postgresql.rls import protect


class Migration(migrations.Migration):
    dependencies = [("calls", "0002_initial")]

    operations = [
        protect("calls_call"),
        protect("calls_turn"),
        protect("calls_callevent"),
        protect("calls_phonenumber"),
    ]
