"""Who must not be called: adding to the lists, asking them, and making it felt at once.

An entry holds from its commit on. Leads that wait are skipped in the same transaction;
a call that still rings is told to stop. A worker that has claimed a lead asks again
right before it dials, so nobody is called after their entry was committed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from calls.errors import CallNotActive
from calls.models import Call
from calls.services.control import stop_call
from campaigns.models import Attempt, Lead, SuppressionEntry
from common.phone import mask
from portal.models import Organization, User
from portal.scope import Scope, all_organizations, scoped
from portal.services import audit

BATCH: Final = 1_000
Source = SuppressionEntry.Source


@dataclass(frozen=True)
class Suppressed:
    """Why a number is not called: whose list, and the entry's own words."""

    level: str
    source: str
    reason: str

    @property
    def found(self) -> dict[str, str]:
        """What goes into the record of a decision."""
        return {"level": self.level, "source": self.source}


def suppressed_among(
    numbers: Iterable[str], *, organization: Organization
) -> dict[str, Suppressed]:
    """Return those of these E.164 numbers that an organization must not call.

    Its own list counts, its agency's, and the operator's, in one query.
    """
    with all_organizations("a client's calls obey its agency's and operator's lists"):
        found = SuppressionEntry.objects.filter(
            Q(organization=organization.pk)
            | Q(organization=organization.agency_id)
            | Q(organization=None),
            phone_number__in=list(numbers),
        ).order_by("created_at")
        return {
            row.phone_number: Suppressed(row.level, row.source, row.reason)
            for row in found
        }


def is_suppressed(lead: Lead) -> bool:
    """Whether somebody must not be called any more, by any list that holds for them."""
    number, organization = lead.phone_number, lead.organization
    return number in suppressed_among([number], organization=organization)


@transaction.atomic
def suppress_numbers(
    *,
    organization: Organization | None,
    numbers: Sequence[str],
    source: SuppressionEntry.Source,
    actor: User | None,
    reason: str = "",
    call_id: UUID | None = None,
) -> int:
    """Put E.164 numbers on an organization's list, or on the operator's (`None`).

    Returns how many were new; one that is there stays as it is. Takes effect at once,
    also for leads that wait and calls that ring.
    """
    fresh = list(dict.fromkeys(numbers))
    agency_id = organization.agency_id if organization else None
    with all_organizations("lists hold for organizations below their own"):
        before = _entries(organization).filter(phone_number__in=fresh).count()
        SuppressionEntry.objects.bulk_create(
            (
                SuppressionEntry(
                    organization=organization,
                    agency_id=agency_id,
                    phone_number=number,
                    source=source,
                    reason=reason[:300],
                    call_id=call_id,
                    created_by=actor,
                )
                for number in fresh
            ),
            ignore_conflicts=True,
            batch_size=BATCH,
        )
        added = _entries(organization).filter(phone_number__in=fresh).count() - before
        for start in range(0, len(fresh), BATCH):
            _take_out(organization, fresh[start : start + BATCH], actor)
    if added and organization is not None:
        with scoped(Scope(organization.agency_id, organization.pk)):
            audit.record(
                organization=organization,
                actor=actor,
                action="suppression.added",
                changes={"numbers": added, "source": str(source)},
            )
    return added


@transaction.atomic
def unsuppress(*, entry: SuppressionEntry, actor: User | None) -> None:
    """Take a number off a list; recorded, as it needs a reason."""
    organization = entry.organization
    SuppressionEntry.objects.filter(pk=entry.pk).delete()
    if organization is not None:
        audit.record(
            organization=organization,
            actor=actor,
            action="suppression.removed",
            target=entry,
            changes={"number": mask(entry.phone_number), "source": entry.source},
        )


def own_entries() -> QuerySet[SuppressionEntry]:
    """Return the scope's own list, newest first."""
    return SuppressionEntry.objects.select_related("created_by")


def _entries(organization: Organization | None) -> QuerySet[SuppressionEntry]:
    if organization is None:
        return SuppressionEntry.objects.filter(organization=None)
    return SuppressionEntry.objects.filter(organization=organization)


def count_conversations(organization: Organization, numbers: Sequence[str]) -> int:
    """Count the people on these numbers who are being spoken to; that is not cut off."""
    with all_organizations("lists hold for organizations below their own"):
        calls = Call.objects.filter(
            _below(organization),
            direction=Call.Direction.OUTBOUND,
            status=Call.Status.IN_PROGRESS,
            callee_number__in=list(numbers)[:BATCH],
        )
        return calls.count()


def _below(organization: Organization | None) -> Q:
    """Return whose rows an organization's list holds for; the operator's, for all."""
    if organization is None:
        return Q()
    if organization.is_agency:
        return Q(organization=organization.pk) | Q(agency=organization.pk)
    return Q(organization=organization.pk)


def _take_out(
    organization: Organization | None, numbers: list[str], actor: User | None
) -> None:
    """Skip the leads that wait, and stop the calls that ring. Runs inside every scope."""
    below = _below(organization)
    leads, calls = Lead.objects.filter(below), Call.objects.live().filter(below)
    claimed = Attempt.objects.filter(below, status=Attempt.Status.CLAIMED)
    leads.filter(status=Lead.Status.PENDING, phone_number__in=numbers).update(
        status=Lead.Status.SKIPPED, skip_reason=Lead.SkipReason.SUPPRESSED
    )
    # Whoever asked the lists before our entry holds these rows until the call is made:
    # waiting for them, we see it below. Who comes later sees the entry.
    waited_for = claimed.filter(phone_number__in=numbers).order_by("pk")
    list(waited_for.select_for_update(of=("self",)).values_list("pk", flat=True))
    ringing = calls.filter(
        direction=Call.Direction.OUTBOUND,
        callee_number__in=numbers,
        status__in=(Call.Status.CONNECTING, Call.Status.RINGING),
    ).select_related("organization")
    for call in ringing:
        try:
            stop_call(call=call, actor=actor)
        except CallNotActive:
            continue  # it ended meanwhile
