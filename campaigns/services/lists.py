"""Saved lists: made from a campaign or by hand, added to, and put into campaigns.

People go from one table to the other inside the database, so that a million take
seconds; numbers that are there already are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg import sql

from campaigns.columns import LeadRow
from campaigns.errors import CampaignIsFinal, CampaignNotReady, ListNameTaken
from campaigns.models import Campaign, Lead, SavedList, SavedPerson
from campaigns.places import locality_ids, place_of
from common.ids import uuid7
from portal.models import Organization, User
from portal.scope import all_organizations
from portal.services import audit

BATCH: Final = 1_000
ALL_LISTS: Final = "a client's people obey its agency's and operator's lists"

# Whom of a campaign one takes along. The lists of today hold: the organization's own,
# its agency's and the operator's.
COMING_ALONG: Final = sql.SQL("""
campaign_id = %(campaign)s and phone_number like '+%%'
  and skip_reason <> 'suppressed'
  and not exists (
    select from campaigns_suppressionentry entry
    where entry.phone_number = campaigns_lead.phone_number
      and (entry.organization_id is null or entry.organization_id in (
             campaigns_lead.organization_id, campaigns_lead.agency_id)))
  and (%(all)s or last_outcome = any(%(outcomes)s)
       or disposition = any(%(dispositions)s))
""")
_FROM_CAMPAIGN: Final = sql.SQL("""
insert into campaigns_savedperson (
  id, organization_id, agency_id, saved_list_id, phone_number, name, variables,
  locality_id, consent_basis, consent_proof, created_at)
select gen_random_uuid(), organization_id, agency_id, %(list)s, phone_number, name,
  variables, locality_id, consent_basis, consent_proof,
  %(now)s + row_number() over (order by created_at, id) * interval '1 microsecond'
from campaigns_lead
where {coming_along}
on conflict (saved_list_id, phone_number) do nothing
""").format(coming_along=COMING_ALONG)
_TO_CAMPAIGN: Final = """
insert into campaigns_lead (
  id, organization_id, agency_id, campaign_id, phone_number, name, variables, status,
  attempt_count, due_at, last_outcome, created_at, locality_id, is_priority,
  skip_reason, consent_basis, consent_proof, is_variant, disposition)
select gen_random_uuid(), organization_id, agency_id, %(campaign)s, phone_number, name,
  variables, 'pending', 0, %(now)s, '',
  %(now)s + row_number() over (order by created_at, id) * interval '1 microsecond',
  locality_id, false, '', consent_basis, consent_proof, false, ''
from campaigns_savedperson
where saved_list_id = %(list)s
on conflict (campaign_id, phone_number) do nothing
"""


@dataclass(frozen=True)
class Wanted:
    """Whom of a campaign: people of these last outcomes or dispositions; none is all."""

    outcomes: tuple[str, ...] = ()
    dispositions: tuple[str, ...] = ()

    @property
    def values(self) -> dict[str, Any]:
        """Return the parameters of the statements that choose leads."""
        return {
            "all": not self.outcomes and not self.dispositions,
            "outcomes": list(self.outcomes),
            "dispositions": list(self.dispositions),
        }


@transaction.atomic
def make_list(
    *,
    organization: Organization,
    name: str,
    actor: User | None,
    people: Sequence[LeadRow] = (),
) -> SavedList:
    """Make a list with these people. Raises `ListNameTaken`."""
    return _made(organization, name, actor, None, people)


@transaction.atomic
def save_campaign_as_list(
    *, campaign: Campaign, name: str, actor: User | None, wanted: Wanted | None = None
) -> SavedList:
    """Keep people of a campaign as a list; who asked not to be called stays out.

    Raises `ListNameTaken`, and `CampaignNotReady` when nobody is left.
    """
    made = _made(campaign.organization, name, actor, campaign, ())
    with all_organizations(ALL_LISTS), connection.cursor() as cursor:
        cursor.execute(
            _FROM_CAMPAIGN,
            {
                "list": made.pk,
                "campaign": campaign.pk,
                "now": timezone.now(),
                **(wanted or Wanted()).values,
            },
        )
    _count_again(made)
    if not made.people_count:
        raise CampaignNotReady(_("Nobody of this campaign fits."))
    return made


def _made(
    organization: Organization,
    name: str,
    actor: User | None,
    campaign: Campaign | None,
    people: Sequence[LeadRow],
) -> SavedList:
    if SavedList.objects.filter(organization=organization, name=name).exists():
        raise ListNameTaken(_("There is a list of this name already."))
    made = SavedList.objects.create(
        organization=organization, name=name, created_by=actor, made_from=campaign
    )
    _store(made, people)
    audit.record(
        organization=organization,
        actor=actor,
        action="saved_list.created",
        target=made,
        changes={"name": name, "people": made.people_count},
    )
    return made


@transaction.atomic
def add_to_list(
    *, saved_list: SavedList, people: Sequence[LeadRow], actor: User | None
) -> int:
    """Add people to a list; return how many were new."""
    locked = SavedList.objects.select_for_update(of=("self",)).get(pk=saved_list.pk)
    before = locked.people_count
    _store(locked, people)
    added = locked.people_count - before
    if added:
        audit.record(
            organization=locked.organization,
            actor=actor,
            action="saved_list.people_added",
            target=locked,
            changes={"people": added},
        )
    return added


def _store(saved_list: SavedList, people: Iterable[LeadRow]) -> None:
    fresh: dict[str, LeadRow] = {}
    for row in people:
        fresh.setdefault(row.phone_number, row)
    if not fresh:
        return
    places = {number: row.place or place_of(number) for number, row in fresh.items()}
    ids = locality_ids(places.values())
    now = timezone.now()
    # Sorted, so that people keep the order of the list they came in.
    keys = sorted(uuid7() for _ in fresh)
    SavedPerson.objects.bulk_create(
        (
            SavedPerson(
                pk=key,
                organization_id=saved_list.organization_id,
                agency_id=saved_list.agency_id,
                saved_list=saved_list,
                phone_number=number,
                name=row.name,
                variables=row.variables,
                locality_id=ids[places[number]],
                consent_basis=row.consent_basis,
                consent_proof=row.consent_proof,
                created_at=now,
            )
            for key, (number, row) in zip(keys, fresh.items(), strict=True)
        ),
        ignore_conflicts=True,
        batch_size=BATCH,
    )
    _count_again(saved_list)


def _count_again(saved_list: SavedList) -> None:
    saved_list.people_count = SavedPerson.objects.filter(saved_list=saved_list).count()
    saved_list.save(update_fields=["people_count", "updated_at"])


@transaction.atomic
def add_list_to_campaign(
    *, saved_list: SavedList, campaign: Campaign, actor: User | None
) -> int:
    """Put everybody of a list into a campaign; return how many were new to it.

    Locks the campaign's row: it cannot complete meanwhile. Raises `CampaignIsFinal`.
    """
    locked = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    if locked.is_final:
        raise CampaignIsFinal(_("This campaign has ended. Make a new one instead."))
    with connection.cursor() as cursor:
        cursor.execute(
            _TO_CAMPAIGN,
            {
                "list": saved_list.pk,
                "campaign": locked.pk,
                "now": timezone.now(),
            },
        )
        added = int(cursor.rowcount)
    if added:
        audit.record(
            organization=locked.organization,
            actor=actor,
            action="campaign.leads_added",
            target=locked,
            changes={"leads": added, "list": saved_list.name},
        )
    return added


def forget_people(people: Sequence[SavedPerson]) -> None:
    """Take these people off their lists. Needs a transaction."""
    lists = {person.saved_list_id: person.saved_list for person in people}
    SavedPerson.objects.filter(pk__in=[person.pk for person in people]).delete()
    for saved_list in lists.values():
        _count_again(saved_list)


@transaction.atomic
def delete_list(*, saved_list: SavedList, actor: User | None) -> None:
    """Delete a list and its people; campaigns that used it keep theirs."""
    audit.record(
        organization=saved_list.organization,
        actor=actor,
        action="saved_list.deleted",
        target=saved_list,
        changes={"name": saved_list.name, "people": saved_list.people_count},
    )
    saved_list.delete()


def dispositions_of(campaign: Campaign) -> list[str]:
    """Return the dispositions that people of a campaign have, by name."""
    found = Lead.objects.filter(campaign=campaign).exclude(disposition="")
    return list(
        found.order_by("disposition")
        .values_list("disposition", flat=True)
        .distinct()[:50]
    )
