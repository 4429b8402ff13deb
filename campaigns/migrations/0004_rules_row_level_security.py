"""Put the second wall around the new owned tables.

The operator's suppression entries belong to no organization: they are seen only where
every organization is.
"""

from django.db import migrations

from portal.postgresql.rls import protect


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0003_places_rules_and_decisions")]

    operations = [
        protect("campaigns_campaignnumber"),
        protect("campaigns_decision"),
        protect("campaigns_callinglimits"),
        protect("campaigns_suppressionentry"),
        protect("campaigns_leadimport"),
        protect("campaigns_importfault"),
    ]
