"""Finding campaigns, and counting how far they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import Http404

from calls.models import Call
from campaigns.models import Attempt, Campaign, Lead, Register, SavedList
from campaigns.outcomes import Outcome
from portal.visibility import sight

S = Lead.Status

# What a list of leads can be narrowed to; the names are those of `Lead.state`.
LEAD_FILTERS: dict[str, Q] = {
    "pending": Q(status=S.PENDING, attempt_count=0),
    "calling": Q(status=S.CALLING),
    "retry": Q(status=S.PENDING, attempt_count__gt=0),
    "reached": Q(status=S.COMPLETED),
    "exhausted": Q(status=S.FAILED),
    "skipped": Q(status=S.SKIPPED),
}


@dataclass(frozen=True)
class Progress:
    """How many leads of a campaign are in each state; `outcomes` counts attempts."""

    states: dict[str, int] = field(default_factory=dict)
    called: int = 0
    picked_up: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.states.values())

    @property
    def done(self) -> int:
        return sum(self.states.get(s, 0) for s in ("reached", "exhausted", "skipped"))

    @property
    def reached(self) -> int:
        return self.states.get("reached", 0)

    @property
    def calling(self) -> int:
        return self.states.get("calling", 0)


def visible_campaigns() -> QuerySet[Campaign]:
    """Return the scope's campaigns, newest first, with what a list shows.

    Only those the person at hand may see, where their place in the team says so.
    """
    rows = Campaign.objects.select_related(
        "assistant", "number", "organization"
    ).prefetch_related("further_numbers")
    if (seen := sight().campaigns) is not None:
        rows = rows.filter(pk__in=seen)
    return rows


def get_campaign(campaign_id: UUID) -> Campaign:
    """Return one; absent and another organization's are the same 404."""
    rows = visible_campaigns().select_related("assistant__current_version")
    campaign = rows.filter(pk=campaign_id).first()
    if campaign is None:
        raise Http404("No such campaign.")
    return campaign


def visible_lists() -> QuerySet[SavedList]:
    """Return the scope's saved lists, newest first.

    Who may see only some campaigns sees the lists that were made from those.
    """
    rows = SavedList.objects.select_related("made_from", "organization")
    if (seen := sight().campaigns) is not None:
        rows = rows.filter(made_from__in=seen)
    return rows


def get_list(list_id: UUID) -> SavedList:
    """Return one; absent and another organization's are the same 404."""
    found = visible_lists().filter(pk=list_id).first()
    if found is None:
        raise Http404("No such list.")
    return found


def get_register(register_id: UUID) -> Register:
    """Return one of the scope's; absent and another organization's are the same 404."""
    found = Register.objects.select_related("organization").filter(pk=register_id)
    if (register := found.first()) is None:
        raise Http404("No such register.")
    return register


def progress_of(campaign: Campaign) -> Progress:
    """Count one campaign's leads and attempts, in two queries."""
    picked_up = Attempt.objects.filter(
        lead=OuterRef("pk"), outcome__in=(Outcome.ANSWERED, Outcome.VOICEMAIL)
    )
    counts = Lead.objects.filter(campaign=campaign).aggregate(
        called=Count("pk", filter=Q(attempt_count__gt=0)),
        picked_up=Count("pk", filter=Q(Exists(picked_up))),
        **{name: Count("pk", filter=rule) for name, rule in LEAD_FILTERS.items()},
    )
    outcomes = dict(
        Attempt.objects.filter(lead__campaign=campaign, status=Attempt.Status.FINISHED)
        .order_by("outcome")
        .values_list("outcome")
        .annotate(count=Count("pk"))
    )
    return Progress(
        states={name: counts[name] for name in LEAD_FILTERS},
        called=counts["called"],
        picked_up=counts["picked_up"],
        outcomes=outcomes,
    )


def progress_of_many(campaigns: Iterable[Campaign]) -> dict[UUID, Progress]:
    """Count the leads of several campaigns in one query; attempts are left out."""
    ids = [campaign.pk for campaign in campaigns]
    rows = (
        Lead.objects.filter(campaign__in=ids)
        .order_by("campaign")
        .values("campaign")
        .annotate(
            **{name: Count("pk", filter=rule) for name, rule in LEAD_FILTERS.items()}
        )
    )
    found = {
        row["campaign"]: Progress({name: row[name] for name in LEAD_FILTERS})  # type: ignore[literal-required]  # names made above
        for row in rows
    }
    return {campaign_id: found.get(campaign_id, Progress()) for campaign_id in ids}


def leads_of(campaign: Campaign, state: str = "") -> QuerySet[Lead]:
    """Return a campaign's leads with their attempts, in the order they were added."""
    leads = Lead.objects.filter(campaign=campaign).prefetch_related("attempts")
    return leads.filter(LEAD_FILTERS[state]) if state in LEAD_FILTERS else leads


def current_calls(campaign: Campaign) -> QuerySet[Call]:
    """Return the campaign's calls that go on now, oldest first."""
    placed = Attempt.objects.filter(
        lead__campaign=campaign, status=Attempt.Status.PLACED
    )
    return (
        Call.objects.live()
        .filter(pk__in=placed.values("call_id"))
        .only("pk", "status", "callee_number", "started_at", "created_at")
        .order_by("created_at", "pk")
    )
