"""Offering somebody a place in an organization, and taking the offer up.

An invitation says nothing about whether its address is known anywhere: the same mail
goes out, and only who reads that mailbox learns more.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Final

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.hosts import portal_url
from portal.limits import check_people
from portal.mail import send_mail
from portal.models import Invitation, Membership, Organization, Portal, Role, User
from portal.scope import all_organizations, organization_scope
from portal.services import audit

LASTS: Final = timedelta(days=7)
_MAX_SENT: Final = 5


class InvitationEnded(Exception):
    """The link was used, taken back, or is too old."""


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def invite(
    *, organization: Organization, email: str, role: Role, actor: User | None
) -> Invitation:
    """Send an invitation; a second one to the same address replaces the first."""
    return offer_place(organization=organization, email=email, role=role, actor=actor)[
        0
    ]


@transaction.atomic
def offer_place(
    *,
    organization: Organization,
    email: str,
    role: Role,
    actor: User | None,
    by_mail: bool = True,
) -> tuple[Invitation, str]:
    """Write an invitation down and return its token too; mail it unless told not to.

    Raises `PlanLimit` when the team has as many people as it may.
    """
    address = User.objects.normalize_email(email).lower()
    with organization_scope(organization):
        if Membership.objects.filter(
            organization=organization, user__email__iexact=address
        ).exists():
            raise ValidationError({"email": _("This person is in the team already.")})
        check_people(organization)
        now = timezone.now()
        Invitation.objects.filter(
            email__iexact=address, accepted_at__isnull=True, revoked_at__isnull=True
        ).update(revoked_at=now)
        token = secrets.token_urlsafe(32)
        invitation = Invitation.objects.create(
            organization=organization,
            email=address,
            role=role,
            digest=digest_of(token),
            invited_by=actor,
            sent_at=now,
            expires_at=now + LASTS,
        )
        audit.record(
            organization=organization,
            actor=actor,
            action="member.invited",
            target=invitation,
            changes={"email": address, "role": str(role)},
        )
        if by_mail:
            _send(invitation, token)
    return invitation, token


@transaction.atomic
def resend(*, invitation: Invitation, actor: User | None) -> None:
    """Send it once more with a new link and a new end; the old link is dead."""
    row = Invitation.objects.select_for_update(of=("self",)).get(pk=invitation.pk)
    if row.accepted_at or row.revoked_at:
        raise InvitationEnded
    if row.sent_count >= _MAX_SENT:
        raise ValidationError(
            _("It was sent five times. Take it back and invite again.")
        )
    token = secrets.token_urlsafe(32)
    row.digest = digest_of(token)
    row.sent_at = timezone.now()
    row.sent_count += 1
    row.expires_at = row.sent_at + LASTS
    row.save()
    audit.record(
        organization=row.organization,
        actor=actor,
        action="member.invited_again",
        target=row,
        changes={"email": row.email},
    )
    _send(row, token)


@transaction.atomic
def revoke(*, invitation: Invitation, actor: User | None) -> None:
    """Take it back; its link is dead at once."""
    if Invitation.objects.filter(
        pk=invitation.pk, accepted_at__isnull=True, revoked_at__isnull=True
    ).update(revoked_at=timezone.now()):
        audit.record(
            organization=invitation.organization,
            actor=actor,
            action="member.uninvited",
            target=invitation,
            changes={"email": invitation.email},
        )


def find_invitation(token: str, portal: Portal) -> Invitation:
    """Return what a link offers at this portal; raise `InvitationEnded` for any other."""
    with all_organizations("a link says which organization it is for"):
        invitation = (
            Invitation.objects.select_related("organization", "invited_by")
            .filter(
                digest=digest_of(token),
                agency=portal.agency_id,
                accepted_at__isnull=True,
                revoked_at__isnull=True,
                expires_at__gt=timezone.now(),
            )
            .exclude(organization__status=Organization.Status.ARCHIVED)
            .first()
        )
    if invitation is None:
        raise InvitationEnded
    return invitation


def is_known(invitation: Invitation) -> bool:
    """Whether somebody of this address can sign in; asked only for who holds the link."""
    user = User.objects.filter(email__iexact=invitation.email).first()
    return user is not None and _can_sign_in(user)


def _can_sign_in(user: User) -> bool:
    """Whether a person has a proof of their own, which a link must not stand in for."""
    return (
        user.has_usable_password()
        or Authenticator.objects.filter(user=user).exists()
        or SocialAccount.objects.filter(user=user).exists()
    )


@transaction.atomic
def accept(
    *, token: str, portal: Portal, name: str = "", password: str | None = None
) -> Membership:
    """Take the place offered, once; make the person when they are new.

    The link proves the mailbox and nothing more: an existing person keeps name and
    password and has yet to sign in with them.
    """
    found = find_invitation(token, portal)
    with organization_scope(found.organization):
        # Two clicks at once: the second finds nothing to take.
        invitation = (
            Invitation.objects.select_for_update(of=("self",))
            .filter(pk=found.pk, accepted_at__isnull=True, revoked_at__isnull=True)
            .first()
        )
        if invitation is None:
            raise InvitationEnded
        check_people(found.organization)
        user = User.objects.filter(email__iexact=invitation.email).first()
        if user is None:
            user = User.objects.create_user(invitation.email, password, name=name)
        elif not _can_sign_in(user):
            user.set_password(password)
            user.name = user.name or name
            user.save(update_fields=["password", "name"])
        EmailAddress.objects.update_or_create(
            user=user,
            email=user.email,
            defaults={"primary": True, "verified": True},
        )
        membership, _made = Membership.objects.update_or_create(
            user=user,
            organization=found.organization,
            defaults={
                "role": invitation.role,
                "assistant_ids": invitation.assistant_ids,
                "campaign_ids": invitation.campaign_ids,
            },
        )
        invitation.accepted_at = timezone.now()
        invitation.save(update_fields=["accepted_at"])
        audit.record(
            organization=found.organization,
            actor=user,
            action="member.joined",
            target=membership,
            changes={"email": user.email, "role": str(invitation.role)},
        )
    return membership


def _send(invitation: Invitation, token: str) -> None:
    organization = invitation.organization
    portal = Portal.objects.filter(agency=organization.agency_id).first()
    if portal is None:
        return
    send_mail(
        organization=organization,
        template="invite",
        to=invitation.email,
        context={
            "inviter": str(invitation.invited_by) if invitation.invited_by else "",
            "organization_name": organization.name,
            "role": Role(invitation.role).label,
            "url": portal_url(portal, f"/join/{token}/"),
            "expires_at": invitation.expires_at,
        },
        idempotency_key=f"invite:{invitation.pk}:{invitation.sent_count}",
    )
