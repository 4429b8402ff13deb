"""Changing people's places: roles, what they see, leaving, handing over.

An organization always keeps an owner, and nobody acts on somebody above them or gives
what they do not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.models import APIKey, Invitation, Membership, Organization, Role, User
from portal.scope import organization_scope
from portal.services import audit

RANK: Final = (Role.VIEWER, Role.OPERATOR, Role.ADMIN, Role.OWNER)


def rank_of(role: str) -> int:
    return RANK.index(Role(role))


@transaction.atomic
def change_member(
    *,
    member: Membership,
    role: Role,
    assistant_ids: list[str] | None,
    campaign_ids: list[str] | None,
    giver: Membership | APIKey,
) -> None:
    """Give another role or another view; raise `PermissionDenied` above one's own.

    A key stands for nobody, and gives what its own role may.
    """
    organization = _locked(member.organization)
    row = Membership.objects.select_for_update().get(pk=member.pk)
    _check_above(row, giver)
    if rank_of(role) > rank_of(giver.role):
        raise PermissionDenied
    if row.role == Role.OWNER and role != Role.OWNER:
        _check_other_owner(row)
    changes = {
        name: [before, after]
        for name, before, after in (
            ("role", row.role, str(role)),
            ("assistants", row.assistant_ids, assistant_ids),
            ("campaigns", row.campaign_ids, campaign_ids),
        )
        if before != after
    }
    if not changes:
        return
    row.role = role
    row.assistant_ids, row.campaign_ids = assistant_ids, campaign_ids
    row.save()
    _record(organization, _person(giver), "member.changed", row, changes)


@transaction.atomic
def remove_member(*, member: Membership, giver: Membership | APIKey) -> None:
    """Take somebody's place away; what they made stays."""
    organization = _locked(member.organization)
    row = Membership.objects.select_for_update().filter(pk=member.pk).first()
    if row is None:
        return
    person = _person(giver)
    is_leaving = row.user == person
    if not is_leaving:
        _check_above(row, giver)
    _check_other_owner(row)
    action = "member.left" if is_leaving else "member.removed"
    _record(organization, person, action, row, {"email": row.user.email})
    row.delete()
    now = timezone.now()
    Invitation.objects.filter(
        Q(email__iexact=row.user.email) | Q(invited_by=row.user),
        organization=organization,
        accepted_at__isnull=True,
        revoked_at__isnull=True,
    ).update(revoked_at=now)


@transaction.atomic
def hand_over(*, owner: Membership, to: Membership) -> None:
    """Make somebody else the owner; the one who was becomes an admin."""
    organization = _locked(owner.organization)
    if owner.role != Role.OWNER or owner.pk == to.pk:
        raise PermissionDenied
    if to.organization_id != owner.organization_id:
        raise PermissionDenied
    Membership.objects.filter(pk=to.pk).update(
        role=Role.OWNER, assistant_ids=None, campaign_ids=None
    )
    Membership.objects.filter(pk=owner.pk).update(role=Role.ADMIN)
    _record(
        organization,
        owner.user,
        "ownership.handed_over",
        to,
        {"owner": [owner.user.email, to.user.email]},
    )


@transaction.atomic
def rename_person(*, person: User, name: str) -> None:
    """Call somebody by another name; the log of each of their organizations says so."""
    before = person.name
    if name == before:
        return
    person.name = name
    person.save(update_fields=["name"])
    places = Membership.objects.filter(user=person).select_related("organization")
    for place in places:
        names = {"name": [before, name]}
        _record(place.organization, person, "member.renamed", place, names)


def _locked(organization: Organization) -> Organization:
    """Lock the organization, so that two removals cannot both leave "the other" owner."""
    with organization_scope(organization):
        return Organization.objects.select_for_update(of=("self",), no_key=True).get(
            pk=organization.pk
        )


def _person(giver: Membership | APIKey) -> User | None:
    return giver.user if isinstance(giver, Membership) else None


def _check_above(row: Membership, giver: Membership | APIKey) -> None:
    if row.organization_id != giver.organization_id:
        raise PermissionDenied
    if rank_of(row.role) > rank_of(giver.role):
        raise PermissionDenied


def _check_other_owner(row: Membership) -> None:
    if row.role != Role.OWNER:
        return
    others = Membership.objects.filter(
        organization=row.organization_id, role=Role.OWNER
    ).exclude(pk=row.pk)
    if not others.exists():
        raise ValidationError(_("An organization needs an owner. Hand it over first."))


def _record(
    organization: Organization,
    actor: User | None,
    action: str,
    target: Membership,
    changes: Mapping[str, object],
) -> None:
    with organization_scope(organization):
        audit.record(
            organization=organization,
            actor=actor,
            action=action,
            target=target,
            changes=dict(changes),
        )
