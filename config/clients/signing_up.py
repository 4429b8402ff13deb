"""Strangers who ask a portal for an account.

Whoever asks gets the same answer: look at your mail. Only who reads that mailbox goes
on, so that nobody learns from here which addresses are known, at this portal or at
another. From the confirmed address on, it is an invitation like any other.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from common.lazy_text import lazy_sentence
from config.clients.opening import open_complete_client
from portal.hosts import portal_url
from portal.mail import send_mail
from portal.models import Membership, Portal, Role, SignUpRequest, User
from portal.rates import is_allowed
from portal.scope import organization_scope
from portal.services import audit

LASTS: Final = timedelta(hours=24)
_HOUR_S: Final = 3600
_DAY_S: Final = 24 * _HOUR_S

Status = SignUpRequest.Status
Mode = Portal.SignUp


class TooManySignUps(Exception):
    """More than one address, or one portal, asks for in an hour."""


class SignUpEnded(Exception):
    """The link was used, or is too old, or the portal has closed its doors."""


def accepts(portal: Portal) -> bool:
    """Whether strangers may ask at this portal."""
    return portal.is_enabled and portal.sign_up in (Mode.OPEN, Mode.APPROVAL)


def ask(
    *, portal: Portal, email: str, name: str, company: str, language: str, address: str
) -> None:
    """Note a wish and mail a link; answers the same for every address.

    Floods end here: a sender, a mailbox and a portal have so many each.
    """
    if not accepts(portal):
        raise SignUpEnded
    mailbox = User.objects.normalize_email(email).lower()
    if not (
        is_allowed("sign-up-from", address, limit=10, window_s=_HOUR_S)
        and is_allowed("sign-up-at", str(portal.pk), limit=200, window_s=_HOUR_S)
    ):
        raise TooManySignUps
    key = f"{portal.pk}:{mailbox}"
    if not is_allowed("sign-up-for", key, limit=3, window_s=_DAY_S):
        return  # silently: the mailbox is not to be flooded, nor told about
    token = secrets.token_urlsafe(32)
    agency = portal.agency
    with transaction.atomic(), organization_scope(agency):
        request = SignUpRequest.objects.create(
            organization=agency,
            email=mailbox,
            name=name,
            company=company,
            language=language,
            digest=_digest(token),
            expires_at=timezone.now() + LASTS,
        )
        send_mail(
            organization=agency,
            template="verify",
            to=mailbox,
            context={"url": portal_url(portal, f"/welcome/{token}/"), "code": ""},
            idempotency_key=f"sign-up:{request.pk}",
        )


@dataclass(frozen=True)
class Confirmed:
    """What became of a wish: `join_token` leads on, empty while the agency decides."""

    request: SignUpRequest
    join_token: str = ""


def confirm(*, portal: Portal, token: str) -> Confirmed:
    """Take the link up, once: open the client, or put the wish before the agency."""
    if not accepts(portal):
        raise SignUpEnded
    agency = portal.agency
    with transaction.atomic(), organization_scope(agency):
        request = (
            SignUpRequest.objects.select_for_update(of=("self",))
            .filter(
                digest=_digest(token),
                status=Status.UNCONFIRMED,
                expires_at__gt=timezone.now(),
            )
            .first()
        )
        if request is None:
            raise SignUpEnded
        if portal.sign_up == Mode.APPROVAL:
            request.status = Status.WAITING
            request.save(update_fields=["status"])
            _tell_owners(portal, request)
            return Confirmed(request)
        # The mailbox was proven a moment ago: no second mail, straight on.
        return Confirmed(request, _open(request, actor=None, by_mail=False))


def approve(*, request: SignUpRequest, actor: User | None) -> bool:
    """Open the client; its owner gets an invitation. Return whether we did.

    A second time changes nothing.
    """
    with transaction.atomic(), organization_scope(request.organization):
        row = _waiting(request)
        if row is not None:
            _open(row, actor=actor)
    return row is not None


def decline(*, request: SignUpRequest, actor: User | None) -> bool:
    """Say no; nobody is written to. Return whether we did."""
    with transaction.atomic(), organization_scope(request.organization):
        row = _waiting(request)
        if row is None:
            return False
        row.status, row.decided_at = Status.DECLINED, timezone.now()
        row.save(update_fields=["status", "decided_at"])
        audit.record(
            organization=row.organization,
            actor=actor,
            action="sign_up.declined",
            target=row,
            changes={"company": row.company, "email": row.email},
        )
    return True


def _waiting(request: SignUpRequest) -> SignUpRequest | None:
    return (
        SignUpRequest.objects.select_for_update(of=("self",))
        .filter(pk=request.pk, status=Status.WAITING)
        .first()
    )


def _open(request: SignUpRequest, *, actor: User | None, by_mail: bool = True) -> str:
    client, token = open_complete_client(
        agency=request.organization,
        name=request.company,
        owner_email=request.email,
        actor=actor,
        by_mail=by_mail,
    )
    with organization_scope(request.organization):
        request.status, request.decided_at = Status.OPENED, timezone.now()
        request.client = client
        request.save(update_fields=["status", "decided_at", "client"])
        audit.record(
            organization=request.organization,
            actor=actor,
            action="sign_up.opened",
            target=request,
            changes={"company": request.company, "email": request.email},
        )
    return token


def _tell_owners(portal: Portal, request: SignUpRequest) -> None:
    owners = Membership.objects.filter(
        organization=portal.agency, role=Role.OWNER
    ).select_related("user")
    for owner in owners:
        send_mail(
            organization=portal.agency,
            template="notice",
            to=owner.user.email,
            context={
                "subject": lazy_sentence(
                    _("%(company)s wants to become your client"),
                    {"company": request.company},
                ),
                "message": lazy_sentence(
                    _("%(name)s asks for an account. Open it or decline it."),
                    {"name": request.name},
                ),
                "url": portal_url(portal, "/clients/"),
            },
            idempotency_key=f"sign-up-waiting:{request.pk}:{owner.pk}",
        )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
