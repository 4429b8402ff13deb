"""The organizations that the API's figures are measured in, and their million calls."""

from __future__ import annotations

from typing import Any, Final

ASSISTANTS: Final = 50
_CALLS: Final = """
insert into calls_call (id, organization_id, agency_id, direction, carrier, status,
  end_reason, error, fault_owner, disposition, is_test, caller_number, callee_number,
  variables, overrides, metadata, stop_reason, created_at, updated_at, duration_ms,
  price_microcredits_per_minute, pool_price_microcredits_per_minute, billed_seconds,
  cost_microcredits, pool_cost_microcredits, token_digest, resume_digest, recording,
  recording_ms, waveform, quality, usage, summary {extra_names})
select gen_random_uuid(), %(organization)s, %(agency)s, 'web', 'webrtc', 'ended',
  'user_hangup', '', '', '', false, '', '', '{{}}', '{{}}', '{{}}', '',
  now() - n * interval '1 second', now(), 1000, 0, 0, 1, 0, 0, '', '', '', 0, '{{}}',
  '{{}}', '{{}}', '' {extra_values}
from generate_series(1, %(count)s) n
"""


def fill(organization: Any, count: int) -> None:
    """Give an organization calls, whatever columns a call has by now."""
    from django.db import connection

    from calls.models import Call
    from portal.scope import all_organizations

    named = _CALLS.split("(", 1)[1].split("{extra")[0]
    known = {name.strip() for name in named.split(",")}
    extra = [
        field
        for field in Call._meta.concrete_fields
        if not field.null and field.column not in known
    ]
    sql = _CALLS.format(
        extra_names="".join(f", {field.column}" for field in extra),
        extra_values="".join(f", %({field.column})s" for field in extra),
    )
    values: dict[str, Any] = {
        "organization": organization.pk,
        "agency": organization.agency_id,
        "count": count,
    }
    for field in extra:
        default = field.get_db_prep_save(field.get_default(), connection)
        values[str(field.column)] = default
    with (
        all_organizations("the bench fills its own database"),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql, values)
    with connection.cursor() as cursor:
        cursor.execute("analyze calls_call")


def house() -> tuple[Any, Any, Any, str]:
    """Open an agency, two clients with calls, and assistants for the first."""
    from django.conf import settings

    from assistants.services import create_assistant
    from billing.ledger import open_accounts
    from portal.scope import organization_scope
    from portal.services.organizations import open_agency, open_client
    from tests.world import desk_spec

    portal = open_agency(name="Bench", slug="bench", actor=None)
    clients = [
        open_client(agency=portal.agency, name=name, actor=None)
        for name in ("Few", "Many")
    ]
    for client in clients:
        with organization_scope(client):
            open_accounts(client)
    with organization_scope(clients[0]):
        for number in range(ASSISTANTS):
            create_assistant(
                organization=clients[0],
                spec=desk_spec(name=f"Assistant {number}"),
                actor=None,
            )
    few, full = clients
    return portal, few, full, f"bench.{settings.BASE_DOMAIN}"
