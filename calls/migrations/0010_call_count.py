"""Let the database keep how many calls an organization has."""

import common.ids
import django.db.models.deletion
from django.db import migrations, models

from portal.postgresql.rls import protect

_KEEP = """
create function calls_count_added() returns trigger language plpgsql as $$
begin
  insert into calls_callcount as kept (id, organization_id, agency_id, total)
  select gen_random_uuid(), organization_id, agency_id, count(*) from changed
  group by organization_id, agency_id
  on conflict (organization_id) do update set total = kept.total + excluded.total;
  return null;
end $$;

create function calls_count_deleted() returns trigger language plpgsql as $$
begin
  update calls_callcount kept set total = kept.total - gone.total
  from (select organization_id, count(*) total from changed group by organization_id) gone
  where kept.organization_id = gone.organization_id;
  return null;
end $$;

create trigger calls_count_added after insert on calls_call
  referencing new table as changed for each statement execute function calls_count_added();
create trigger calls_count_deleted after delete on calls_call
  referencing old table as changed for each statement execute function calls_count_deleted();

select set_config('app.agency', '*', true), set_config('app.organization', '*', true);
insert into calls_callcount (id, organization_id, agency_id, total)
select gen_random_uuid(), organization_id, agency_id, count(*) from calls_call
group by organization_id, agency_id;
"""

_FORGET = """
drop trigger calls_count_added on calls_call;
drop trigger calls_count_deleted on calls_call;
drop function calls_count_added;
drop function calls_count_deleted;
"""


class Migration(migrations.Migration):
    dependencies = [("calls", "0009_erasure"), ("portal", "0012_key_scopes")]

    operations = [
        migrations.CreateModel(
            name="CallCount",
            fields=[
                ("id", models.UUIDField(default=common.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("total", models.BigIntegerField(default=0)),
                ("agency", models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="portal.organization")),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="portal.organization")),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("organization",), name="call_count_once_an_organization")],
            },
        ),
        protect("calls_callcount"),
        migrations.RunSQL(_KEEP, _FORGET),
    ]
