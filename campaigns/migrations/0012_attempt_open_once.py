"""Put back that a lead has one open attempt at most.

Django drops every index of exactly one column when the column's own index goes, and took
the one of this constraint with it (0011).
"""

from django.db import migrations

_BACK = """
create unique index if not exists attempt_open_once on campaigns_attempt (lead_id)
where status in ('claimed', 'placed')
"""


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0011_fewer_lead_indexes")]

    operations = [migrations.RunSQL(_BACK, migrations.RunSQL.noop)]
