"""Wall in what waits for a second person: it is the agency's, not its client's."""

from django.db import migrations

from portal.postgresql.rls import protect


class Migration(migrations.Migration):
    dependencies = [("billing", "0010_money_by_hand")]

    operations = [protect("billing_grantrequest"), protect("billing_grantrule")]
