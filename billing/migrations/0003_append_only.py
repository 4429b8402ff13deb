"""Let nobody rewrite the journal: a correction is another entry.

The columns that may change are those a foreign key clears: who did it.
"""

from django.db import migrations

_REFUSE = """
create function billing_refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'The journal is append-only: post a correction.'
    using errcode = 'integrity_constraint_violation';
end $$;
create trigger append_only before delete or update on billing_posting
  for each row execute function billing_refuse_change();
create trigger append_only before delete or update of id, kind, idempotency_key,
    organization_id, agency_id, source, source_id, memo, details, corrects_id, created_at
  on billing_ledgerentry for each row execute function billing_refuse_change();
"""

_ALLOW = """
drop trigger append_only on billing_ledgerentry;
drop trigger append_only on billing_posting;
drop function billing_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0002_row_level_security")]

    operations = [migrations.RunSQL(_REFUSE, _ALLOW)]
