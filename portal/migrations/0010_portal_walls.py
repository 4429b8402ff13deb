"""Walls around the new tables, a record that only grows, and the looks of slugs."""

from django.db import migrations

from portal.postgresql.rls import protect
from portal.slugs import look_of

# A person or visit that is deleted leaves its records; nothing else changes in one.
# Only the erasure of a whole organization may take them away, and says so first.
_APPEND_ONLY = """
create function portal_audit_only_grows() returns trigger language plpgsql as $$
begin
  if current_setting('app.erasing', true) = 'on' then
    return case when tg_op = 'DELETE' then old else new end;
  end if;
  if tg_op = 'UPDATE' and
     (to_jsonb(new) - 'actor_id' - 'visit_id') = (to_jsonb(old) - 'actor_id' - 'visit_id')
     and (new.actor_id is null or new.actor_id = old.actor_id)
     and (new.visit_id is null or new.visit_id = old.visit_id) then
    return new;
  end if;
  raise exception 'the audit record only grows';
end $$;
create trigger audit_only_grows before update or delete on portal_auditrecord
  for each row execute function portal_audit_only_grows();
"""
_UNDO = """
drop trigger audit_only_grows on portal_auditrecord;
drop function portal_audit_only_grows();
"""


def fill_looks(apps, schema_editor):
    Portal = apps.get_model("portal", "Portal")
    taken = set(Portal.objects.exclude(slug_look="").values_list("slug_look", flat=True))
    for portal in Portal.objects.filter(slug_look="").order_by("created_at"):
        look = look_of(portal.slug)
        if look in taken:  # it was there before the rule
            continue
        taken.add(look)
        Portal.objects.filter(pk=portal.pk).update(slug_look=look)


class Migration(migrations.Migration):
    dependencies = [("portal", "0009_portal_complete")]

    operations = [
        protect("portal_invitation"),
        protect("portal_signuprequest"),
        protect("portal_visit"),
        protect("portal_clientnote"),
        protect("portal_signinapp"),
        migrations.RunSQL(_APPEND_ONLY, _UNDO),
        migrations.RunPython(fill_looks, migrations.RunPython.noop),
    ]
