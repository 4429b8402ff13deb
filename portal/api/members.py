"""The team of the key's organization over REST: members, and who was invited.

The rules are those of the pages: a key gives no role above its own, touches nobody above
it, and an organization keeps an owner. A key stands for nobody, so that its name is what
the audit log holds.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import validate_email
from django.db.models import QuerySet
from django.http import Http404
from ninja import Body as BodyParam, Router, Status
from pydantic import AfterValidator, BaseModel, Field

from portal.api.access import api_requires
from portal.api.errors import Conflict, InvalidRequest
from portal.api.paging import Body, Deleted
from portal.http import KeyRequest
from portal.models import Invitation, Membership, Role
from portal.permissions import Permission
from portal.services import invitations as offers, memberships
from portal.visibility import choices_of

members = Router(tags=["Members"])
invitations = Router(tags=["Members"])

RoleName = Literal["owner", "admin", "operator", "viewer"]
Ids = Annotated[list[UUID], Field(max_length=1000)]


def _email(text: str) -> str:
    try:
        validate_email(text)
    except ValidationError as error:
        raise ValueError("Enter a valid email address.") from error
    return text


Email = Annotated[
    str,
    Field(
        max_length=254,
        examples=["zoe@bakery.example"],
        json_schema_extra={"format": "email"},
    ),
    AfterValidator(_email),
]


class MemberJson(BaseModel):
    """Somebody's place. Ids are what they are kept to; null is everything."""

    id: UUID
    email: str
    name: str
    role: RoleName
    assistant_ids: list[UUID] | None
    campaign_ids: list[UUID] | None
    created_at: datetime


class OneMember(BaseModel):
    member: MemberJson


class Members(BaseModel):
    members: list[MemberJson]


class MemberChange(Body):
    """What is left out stays; null lets them see everything."""

    role: RoleName = "viewer"
    assistant_ids: Ids | None = None
    campaign_ids: Ids | None = None


class InvitationJson(BaseModel):
    """A place offered by mail; the link is in the mail and nowhere else."""

    id: UUID
    email: str
    role: RoleName
    sent_at: datetime
    sent_count: int
    expires_at: datetime
    created_at: datetime


class OneInvitation(BaseModel):
    invitation: InvitationJson


class Invitations(BaseModel):
    invitations: list[InvitationJson]


class NewInvitation(Body):
    """Whom to invite, as what."""

    email: Email
    role: RoleName = "operator"


@members.get("", response=Members)
@api_requires(Permission.MEMBERS_READ)
def list_members(request: KeyRequest) -> dict[str, Any]:
    """Who belongs to the organization, with which role."""
    return {"members": [member_json(row) for row in _members(request)]}


@members.get("/{uuid:member_id}", response=OneMember)
@api_requires(Permission.MEMBERS_READ)
def read_member(request: KeyRequest, member_id: UUID) -> dict[str, Any]:
    """One member."""
    return {"member": member_json(_member(request, member_id))}


@members.patch("/{uuid:member_id}", response=OneMember)
@api_requires(Permission.MEMBERS_EDIT)
def change_member(
    request: KeyRequest, member_id: UUID, change: MemberChange
) -> dict[str, Any]:
    """Give another role, or keep somebody to some assistants and campaigns."""
    row = _member(request, member_id)
    wanted: dict[str, Any] = {
        "role": row.role,
        "assistant_ids": row.assistant_ids,
        "campaign_ids": row.campaign_ids,
    } | change.model_dump(mode="json", exclude_unset=True)
    _check_role(request, wanted["role"])
    for name, given in (
        ("assistant_ids", change.assistant_ids),
        ("campaign_ids", change.campaign_ids),
    ):
        _check_known(name, given)
    try:
        memberships.change_member(
            member=row,
            role=Role(wanted["role"]),
            assistant_ids=wanted["assistant_ids"],
            campaign_ids=wanted["campaign_ids"],
            giver=request.api_key,
        )
    except ValidationError as error:
        raise Conflict(error.messages[0], param="role") from error
    return {"member": member_json(_member(request, member_id))}


@members.delete("/{uuid:member_id}", response=Deleted)
@api_requires(Permission.MEMBERS_EDIT)
def remove_member(request: KeyRequest, member_id: UUID) -> dict[str, bool]:
    """Take somebody's place away; what they made stays."""
    try:
        memberships.remove_member(
            member=_member(request, member_id), giver=request.api_key
        )
    except ValidationError as error:
        raise Conflict(error.messages[0]) from error
    return {"success": True}


@invitations.get("", response=Invitations)
@api_requires(Permission.MEMBERS_READ)
def list_invitations(request: KeyRequest) -> dict[str, Any]:
    """Who was invited and has not come yet, newest first."""
    return {"invitations": [invitation_json(row) for row in _open(request)]}


@invitations.post("", response={201: OneInvitation})
@api_requires(Permission.MEMBERS_EDIT)
def invite_member(
    request: KeyRequest, wanted: Annotated[NewInvitation, BodyParam(...)]
) -> Status[dict[str, Any]]:
    """Invite somebody by mail; a second invitation replaces the first."""
    _check_role(request, wanted.role)
    try:
        row = offers.invite(
            organization=request.api_key.organization,
            email=wanted.email,
            role=Role(wanted.role),
            actor=None,
        )
    except ValidationError as error:
        raise Conflict(error.messages[0], param="email") from error
    return Status(201, {"invitation": invitation_json(row)})


@invitations.post("/{uuid:invitation_id}/resend", response=OneInvitation)
@api_requires(Permission.MEMBERS_EDIT)
def resend_invitation(request: KeyRequest, invitation_id: UUID) -> dict[str, Any]:
    """Send an invitation once more with a new link; the link before is dead."""
    row = _invitation(request, invitation_id)
    try:
        offers.resend(invitation=row, actor=None)
    except offers.InvitationEnded as error:
        raise Conflict("This invitation has ended already.") from error
    except ValidationError as error:
        raise Conflict(error.messages[0]) from error
    return {"invitation": invitation_json(_invitation(request, invitation_id))}


@invitations.delete("/{uuid:invitation_id}", response=Deleted)
@api_requires(Permission.MEMBERS_EDIT)
def revoke_invitation(request: KeyRequest, invitation_id: UUID) -> dict[str, bool]:
    """Take an invitation back; its link is dead at once."""
    offers.revoke(invitation=_invitation(request, invitation_id), actor=None)
    return {"success": True}


def member_json(row: Membership) -> dict[str, Any]:
    return {
        "id": row.pk,
        "email": row.user.email,
        "name": row.user.name,
        "role": row.role,
        "assistant_ids": row.assistant_ids,
        "campaign_ids": row.campaign_ids,
        "created_at": row.created_at,
    }


def invitation_json(row: Invitation) -> dict[str, Any]:
    return {name: getattr(row, name) for name in InvitationJson.model_fields}


def _members(request: KeyRequest) -> QuerySet[Membership]:
    return (
        Membership.objects.filter(organization=request.api_key.organization)
        .select_related("user", "organization")
        .order_by("created_at")
    )


def _member(request: KeyRequest, member_id: UUID) -> Membership:
    row = _members(request).filter(pk=member_id).first()
    if row is None:
        raise Http404("No such member.")
    return row


def _open(request: KeyRequest) -> QuerySet[Invitation]:
    return Invitation.objects.filter(
        organization=request.api_key.organization,
        accepted_at__isnull=True,
        revoked_at__isnull=True,
    )


def _invitation(request: KeyRequest, invitation_id: UUID) -> Invitation:
    row = _open(request).filter(pk=invitation_id).first()
    if row is None:
        raise Http404("No such invitation.")
    return row


def _check_role(request: KeyRequest, role: str) -> None:
    if memberships.rank_of(role) > memberships.rank_of(request.api_key.role):
        raise PermissionDenied("A key gives no role above its own.")


def _check_known(name: str, ids: list[UUID] | None) -> None:
    known = {pk for pk, _label in choices_of(name.removesuffix("_ids") + "s")}
    for index, pk in enumerate(ids or []):
        if str(pk) not in known:
            raise InvalidRequest("There is no such thing.", param=f"{name}[{index}]")
