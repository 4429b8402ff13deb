"""Row-level security for owned tables, as one migration operation.

The settings are read through a sub-select, so PostgreSQL evaluates them once a
statement and keeps its index plans (bare `current_setting` made a list 23 times
slower). `force` binds the owner of the table too; only a superuser escapes, and
`portal.checks` refuses to run as one.
"""

from __future__ import annotations

from django.db.migrations.operations import RunSQL

_POLICY = """
create policy scope on {table} using (
  ((select current_setting('app.agency', true)) = '*'
    or {agency} = (select nullif(nullif(current_setting('app.agency', true), ''), '*')::uuid))
  and
  ((select current_setting('app.organization', true)) = '*'
    or {organization} =
      (select nullif(nullif(current_setting('app.organization', true), ''), '*')::uuid))
);
alter table {table} enable row level security;
alter table {table} force row level security;
"""

_DROP = """
drop policy scope on {table};
alter table {table} no force row level security;
alter table {table} disable row level security;
"""


def protect(
    table: str, *, agency: str = "agency_id", organization: str = "organization_id"
) -> RunSQL:
    """Return the operation that lets only the scope's rows of `table` be seen or written."""
    names = {"table": table, "agency": agency, "organization": organization}
    return RunSQL(_POLICY.format(**names), _DROP.format(**names))
