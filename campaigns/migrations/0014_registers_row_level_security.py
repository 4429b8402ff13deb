"""Put the second wall around external registers and their answers.

Those of the operator belong to no organization: they are seen only where every
organization is.
"""

from django.db import migrations

from portal.postgresql.rls import protect


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0013_registers")]

    operations = [
        protect("campaigns_register"),
        protect("campaigns_registeranswer"),
    ]
