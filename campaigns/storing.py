"""Storing leads by the thousand: COPY into a table of the session, then one INSERT.

COPY goes around row-level security, so PostgreSQL does not let it into an owned table;
the INSERT that follows is checked like any other. Numbers a campaign has are left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from campaigns.columns import LeadRow
from campaigns.models import Campaign
from campaigns.places import locality_ids, place_of
from common.ids import uuid7

_TABLE: Final = """
create temporary table if not exists incoming_lead (
  id uuid, phone_number text, name text, variables jsonb, locality_id bigint,
  is_priority boolean, consent_basis text, consent_proof text
) on commit delete rows
"""
_COPY: Final = "copy incoming_lead from stdin"
_INSERT: Final = """
insert into campaigns_lead (
  id, organization_id, agency_id, campaign_id, phone_number, name, variables, status,
  attempt_count, due_at, last_outcome, created_at, locality_id, is_priority,
  skip_reason, consent_basis, consent_proof, is_variant, import_id, disposition)
select id, %(organization)s, %(agency)s, %(campaign)s, phone_number, name, variables,
  'pending', 0, %(now)s, '', %(now)s, locality_id, is_priority, '', consent_basis,
  consent_proof, false, %(import_id)s, ''
from incoming_lead
on conflict (campaign_id, phone_number) do nothing
"""
_ESCAPED: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def store_leads(
    campaign: Campaign,
    rows: Iterable[LeadRow],
    *,
    now: datetime,
    import_id: UUID | None = None,
) -> int:
    """Add people to a campaign; return how many were new. Needs a transaction.

    Of copies of a number the first one counts. `import_id` says which upload they are of.
    """
    fresh: dict[str, LeadRow] = {}
    for row in rows:
        fresh.setdefault(row.phone_number, row)
    if not fresh:
        return 0
    places = {number: row.place or place_of(number) for number, row in fresh.items()}
    ids = locality_ids(places.values())
    # Sorted, so that leads keep the order of the list they came in.
    keys = sorted(uuid7() for _ in fresh)
    block = "".join(
        _line(key, row, ids[places[row.phone_number]])
        for key, row in zip(keys, fresh.values(), strict=True)
    )
    with connection.cursor() as cursor:
        cursor.execute(_TABLE)
        with cursor.copy(_COPY) as copy:
            copy.write(block.encode())
        cursor.execute(
            _INSERT,
            {
                "organization": campaign.organization_id,
                "agency": campaign.agency_id,
                "campaign": campaign.pk,
                "now": now,
                "import_id": import_id,
            },
        )
        added = int(cursor.rowcount)
        # The table empties itself at the end of a transaction; there may be more in it.
        cursor.execute("truncate incoming_lead")
    return added


def _line(lead_id: UUID, row: LeadRow, locality_id: int) -> str:
    values: tuple[Any, ...] = (
        lead_id,
        row.phone_number,
        row.name.translate(_ESCAPED),
        json.dumps(row.variables, ensure_ascii=False).translate(_ESCAPED),
        locality_id,
        "t" if row.is_priority else "f",
        row.consent_basis,
        row.consent_proof.translate(_ESCAPED),
    )
    return "\t".join(map(str, values)) + "\n"
