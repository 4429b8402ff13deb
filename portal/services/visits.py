"""Working inside a client without being one of its people.

A visit says why, ends by itself, changes nothing unless it was opened for that, and is
written down where the client reads it. There is no other way in: a session that names a
client its person is no member of, and no running visit, sees nothing of it.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.models import Organization, User, Visit
from portal.scope import all_organizations, organization_scope
from portal.services import audit

LONGEST: Final = timedelta(hours=4)
_TICKET_LASTS: Final = timedelta(minutes=1)


@transaction.atomic
def start_visit(
    *,
    organization: Organization,
    visitor: User,
    kind: Visit.Kind,
    reason: str,
    minutes: int,
    may_write: bool,
) -> Visit:
    """Open a visit; raise `ValidationError` without a reason or for too long a time."""
    if len(reason.strip()) < 5:
        raise ValidationError({"reason": _("Say why; the client reads it.")})
    length = timedelta(minutes=minutes)
    if not timedelta(minutes=1) <= length <= LONGEST:
        raise ValidationError({"minutes": _("Choose up to four hours.")})
    with organization_scope(organization):
        visit = Visit.objects.create(
            organization=organization,
            kind=kind,
            visitor=visitor,
            visitor_name=str(visitor)[:120],
            reason=reason.strip(),
            may_write=may_write,
            ends_at=timezone.now() + length,
        )
        audit.record(
            organization=organization,
            actor=visitor,
            action="visit.started",
            target=visit,
            changes={
                "reason": visit.reason,
                "may_write": may_write,
                "minutes": minutes,
            },
        )
    return visit


def running_visit(visit_id: UUID, visitor: User) -> Visit | None:
    """Return this person's visit while it runs."""
    with all_organizations("a visit says which organization may be entered"):
        return (
            Visit.objects.select_related("organization", "organization__parent")
            .filter(
                pk=visit_id,
                visitor=visitor,
                ended_at__isnull=True,
                ends_at__gt=timezone.now(),
            )
            .first()
        )


@transaction.atomic
def end_visit(*, visit: Visit, actor: User) -> None:
    """End a visit now; a second time changes nothing."""
    with organization_scope(visit.organization):
        ended = Visit.objects.filter(pk=visit.pk, ended_at__isnull=True).update(
            ended_at=timezone.now()
        )
        if ended:
            audit.record(
                organization=visit.organization,
                actor=actor,
                action="visit.ended",
                target=visit,
            )


# --- from the operator's host to a portal's -------------------------------------------
def ticket_for(visit: Visit) -> str:
    """Return a ticket with which staff enter the portal's host; works once, for a minute."""
    text = secrets.token_urlsafe(32)
    with organization_scope(visit.organization):
        Visit.objects.filter(pk=visit.pk).update(ticket=_digest(text))
    return text


@transaction.atomic
def take_ticket(text: str) -> Visit | None:
    """Return the visit of a ticket and use it up."""
    with all_organizations("a ticket says whose visit it is"):
        visit = (
            Visit.objects.select_for_update(of=("self",))
            .select_related("visitor", "organization", "organization__parent")
            .filter(
                ticket=_digest(text),
                ended_at__isnull=True,
                started_at__gt=timezone.now() - _TICKET_LASTS,
            )
            .first()
        )
        if visit is not None:
            Visit.objects.filter(pk=visit.pk).update(ticket="")
    return visit


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
