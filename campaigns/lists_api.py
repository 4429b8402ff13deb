"""Saved lists over REST: kept, filled, put into campaigns, removed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.db import transaction
from ninja import Query, Router, Status
from pydantic import BaseModel, Field

from campaigns import services
from campaigns.api import chosen_number, lead_rows
from campaigns.api_shapes import LeadBody, OutcomeName
from campaigns.errors import ListNameTaken
from campaigns.importing import MAX_LEADS
from campaigns.models import SavedList, SavedPerson
from campaigns.outcomes import Outcome
from campaigns.queries import get_campaign, get_list, visible_lists
from portal.api.access import api_requires, require_live_key
from portal.api.errors import Conflict, InvalidRequest
from portal.api.paging import Body, Deleted, Page, Pagination, pagination
from portal.http import KeyRequest
from portal.permissions import Permission

router = Router(tags=["Saved lists"])


class NewListBody(Body):
    """A list of these people, or of people of a campaign: all, or some results."""

    name: str = Field(min_length=1, max_length=120)
    leads: list[LeadBody] = Field([], max_length=MAX_LEADS)
    campaign_id: UUID | None = None
    outcomes: list[OutcomeName] = Field([], max_length=len(Outcome))
    dispositions: list[str] = Field([], max_length=50)


class PeopleBody(Body):
    leads: list[LeadBody] = Field(min_length=1, max_length=MAX_LEADS)


class UseBody(Body):
    campaign_id: UUID


class ListJson(BaseModel):
    id: UUID
    name: str
    people: int
    made_from: UUID | None
    created_at: datetime
    updated_at: datetime


class OneList(BaseModel):
    list: ListJson


class Lists(BaseModel):
    lists: list[ListJson]
    pagination: Pagination


class PersonJson(BaseModel):
    id: UUID
    phone_number: str
    name: str | None
    variables: dict[str, str]
    consent_basis: str | None
    consent_proof: str | None


class People(BaseModel):
    people: list[PersonJson]
    pagination: Pagination


class PeopleAdded(BaseModel):
    added: int
    skipped: int


@router.get("", response=Lists)
@api_requires(Permission.CAMPAIGNS_READ)
def list_saved_lists(
    request: KeyRequest, wanted: Annotated[Page, Query()]
) -> dict[str, Any]:
    """Saved lists, newest first."""
    rows = visible_lists()
    page = rows[wanted.offset : wanted.offset + wanted.limit]
    return {
        "lists": [list_json(row) for row in page],
        "pagination": pagination(wanted, rows.count()),
    }


@router.post("", response={201: OneList})
@api_requires(Permission.CAMPAIGNS_EDIT)
@transaction.atomic
def create_saved_list(
    request: KeyRequest, wanted: NewListBody
) -> Status[dict[str, Any]]:
    """Make a list, from people in the body or from a campaign's."""
    if wanted.leads and wanted.campaign_id:
        raise InvalidRequest(
            "Give leads or campaign_id, not both.", param="campaign_id"
        )
    try:
        made = _made(request, wanted)
    except ListNameTaken as taken:
        raise Conflict(str(taken), param="name") from taken
    return Status(201, {"list": list_json(made)})


def _made(request: KeyRequest, wanted: NewListBody) -> SavedList:
    if wanted.campaign_id is not None:
        chosen = services.Wanted(tuple(wanted.outcomes), tuple(wanted.dispositions))
        return services.save_campaign_as_list(
            campaign=get_campaign(wanted.campaign_id),
            name=wanted.name,
            actor=None,
            wanted=chosen,
        )
    number = chosen_number(None) if wanted.leads else None
    return services.make_list(
        organization=request.organization,
        name=wanted.name,
        people=lead_rows(wanted.leads, number, "leads") if number else (),
        actor=None,
    )


@router.get("/{uuid:list_id}", response=OneList)
@api_requires(Permission.CAMPAIGNS_READ)
def read_saved_list(request: KeyRequest, list_id: UUID) -> dict[str, Any]:
    """One list."""
    return {"list": list_json(get_list(list_id))}


@router.get("/{uuid:list_id}/people", response=People)
@api_requires(Permission.CAMPAIGNS_READ)
def list_people(
    request: KeyRequest, list_id: UUID, wanted: Annotated[Page, Query()]
) -> dict[str, Any]:
    """The people of a list, in the order they were added."""
    rows = SavedPerson.objects.filter(saved_list=get_list(list_id))
    page = rows[wanted.offset : wanted.offset + wanted.limit]
    return {
        "people": [person_json(row) for row in page],
        "pagination": pagination(wanted, rows.count()),
    }


@router.post("/{uuid:list_id}/people", response={201: PeopleAdded})
@api_requires(Permission.CAMPAIGNS_EDIT)
@transaction.atomic
def add_people(
    request: KeyRequest, list_id: UUID, wanted: PeopleBody
) -> Status[dict[str, int]]:
    """Add people; numbers the list has are left out."""
    rows = lead_rows(wanted.leads, chosen_number(None), "leads")
    added = services.add_to_list(saved_list=get_list(list_id), people=rows, actor=None)
    return Status(201, {"added": added, "skipped": len(rows) - added})


@router.post("/{uuid:list_id}/use", response=PeopleAdded)
@api_requires(Permission.CAMPAIGNS_EDIT)
def use_saved_list(
    request: KeyRequest, list_id: UUID, wanted: UseBody
) -> dict[str, int]:
    """Put everybody of a list into a campaign; numbers it has are left out."""
    saved_list, campaign = get_list(list_id), get_campaign(wanted.campaign_id)
    if campaign.status == campaign.Status.SCHEDULED:
        require_live_key(request)
    added = services.add_list_to_campaign(
        saved_list=saved_list, campaign=campaign, actor=None
    )
    return {"added": added, "skipped": saved_list.people_count - added}


@router.delete("/{uuid:list_id}", response=Deleted)
@api_requires(Permission.CAMPAIGNS_EDIT)
def delete_saved_list(request: KeyRequest, list_id: UUID) -> dict[str, bool]:
    """Delete a list; campaigns that used it keep their people."""
    services.delete_list(saved_list=get_list(list_id), actor=None)
    return {"success": True}


def list_json(row: SavedList) -> dict[str, Any]:
    """Return a list as the API shows it."""
    return {
        "id": row.pk,
        "name": row.name,
        "people": row.people_count,
        "made_from": row.made_from_id,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def person_json(row: SavedPerson) -> dict[str, Any]:
    """Return somebody of a list as the API shows them."""
    return {
        "id": row.pk,
        "phone_number": row.phone_number,
        "name": row.name or None,
        "variables": row.variables,
        "consent_basis": row.consent_basis or None,
        "consent_proof": row.consent_proof or None,
    }
