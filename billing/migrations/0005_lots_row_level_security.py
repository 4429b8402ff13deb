"""Wall in the lots; give every organization its new accounts, and its credits a lot."""

from django.db import migrations

from portal.postgresql.rls import protect

_EVERYTHING = (
    "select set_config('app.agency', '*', true),"
    " set_config('app.organization', '*', true)"
)
# Ids as common.ids.uuid7 makes them are not needed here: nobody orders these rows by id.
_ACCOUNTS = """
insert into billing_account (id, organization_id, agency_id, kind,
  balance_microcredits, credit_line_microcredits, debt_microcredits)
select gen_random_uuid(), organization_id, agency_id, added.kind, 0, 0, 0
from billing_account wallet
cross join (values ('models'), ('expired'), ('returned'), ('sent')) as added (kind)
where wallet.kind = 'wallet'
on conflict do nothing
"""
# What a wallet has by now came by grants; its first one stands for all of them.
_LOTS = """
insert into billing_creditlot (id, organization_id, agency_id, kind, entry_id, priority,
  amount_microcredits, remaining_microcredits, expires_at, created_at)
select gen_random_uuid(), has.organization_id, has.agency_id, 'grant', first.id, 50,
  has.microcredits, has.microcredits, null, first.created_at
from (
  select organization_id, agency_id, sum(balance_microcredits) as microcredits
  from billing_account where kind in ('wallet', 'held')
  group by organization_id, agency_id
) has
cross join lateral (
  select id, created_at from billing_ledgerentry
  where organization_id = has.organization_id and kind = 'grant'
  order by created_at limit 1
) first
where has.microcredits > 0
on conflict do nothing
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0004_prices_and_lots")]

    operations = [
        migrations.RunSQL(
            [_EVERYTHING, _ACCOUNTS, _LOTS], reverse_sql=migrations.RunSQL.noop
        ),
        protect("billing_creditlot"),
    ]
