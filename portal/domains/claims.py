"""Claiming a domain, checking it, giving it up; the only writer of `PortalDomain`.

A claim costs nothing and keeps nobody out. The first to show the TXT record has the
name; it stays theirs until they release it, and for a while after, so that a name
somebody forgot to change in DNS is not picked up by a stranger at once.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.domains.checking import Findings, Unknown, look_at
from portal.domains.names import domain_name
from portal.host_cache import forget_hosts
from portal.hosts import portal_url, slug_host
from portal.mail import send_mail
from portal.models import Membership, Portal, PortalDomain, Role, User
from portal.scope import organization_scope
from portal.services import audit

MAX_DOMAINS: Final = 5
CLAIM_LAPSES_AFTER: Final = timedelta(days=14)
FREED_AFTER: Final = timedelta(days=7)
BROKEN_AFTER_FAILURES: Final = 3
RELEASED_AFTER_BROKEN: Final = timedelta(days=30)
_CLAIMED_AT_ONCE: Final = timedelta(minutes=1)

Status = PortalDomain.Status
_LIVE: Final = (Status.LIVE, Status.EXPIRING)

PROBLEMS: Final = {
    "no_txt": _("The TXT record is not there yet."),
    "taken": _("Another portal has proven that it owns this domain."),
    "dns_silent": _("Its name servers did not answer. We try again."),
    "not_pointing": _("Its DNS does not point here."),
    "no_certificate": _("There is no certificate yet. The first visit asks for one."),
    "not_served": _("Something else answers there."),
}


@transaction.atomic
def claim_domain(*, portal: Portal, text: str, actor: User | None) -> PortalDomain:
    """Begin a claim; raise `ValidationError` for what cannot be claimed.

    Says nothing about other portals' claims: only the proof decides.
    """
    name = domain_name(text)
    locked = Portal.objects.select_for_update(no_key=True).get(pk=portal.pk)
    mine = PortalDomain.objects.filter(portal=locked)
    before = mine.filter(name=name).first()
    now = timezone.now()
    if before is not None and before.status != Status.RELEASED:
        return before
    if mine.exclude(status=Status.RELEASED).count() >= MAX_DOMAINS:
        raise ValidationError(
            _("A portal has at most %(count)d domains. Remove one first.")
            % {"count": MAX_DOMAINS},
            code="too_many_domains",
        )
    if before is not None:
        # Still ours: it goes on where its proof left off.
        before.status, before.released_at = Status.VERIFIED, None
        before.check_due_at, before.failures = now, 0
        before.save()
        domain = before
    else:
        domain = PortalDomain.objects.create(
            portal=locked,
            name=name,
            token=secrets.token_urlsafe(24),
            check_due_at=now + _CLAIMED_AT_ONCE,
            problem="no_txt",
        )
    _record(domain, actor, "domain.claimed", {"domain": name})
    return domain


@transaction.atomic
def release_domain(*, domain: PortalDomain, actor: User | None) -> None:
    """Stop answering there now; the name is free for others after `FREED_AFTER`.

    A claim that proved nothing is forgotten at once.
    """
    row = PortalDomain.objects.select_for_update(of=("self",)).get(pk=domain.pk)
    _record(row, actor, "domain.released", {"domain": row.name})
    if row.status == Status.PENDING_DNS:
        row.delete()
    else:
        row.status, row.released_at = Status.RELEASED, timezone.now()
        row.check_due_at = timezone.now() + FREED_AFTER
        row.save()
    _choose_live(row.portal_id)
    forget_hosts(row.name)


def check_domain(*, domain: PortalDomain) -> PortalDomain:
    """Look at a domain now and write down what that changes; the look holds no lock.

    One that was proven just now is looked at again: only now may it have a certificate.
    """
    row = _apply(domain.pk, _findings(domain))
    if domain.status == Status.PENDING_DNS and row.status == Status.VERIFIED:
        row = _apply(domain.pk, _findings(domain))
    return row


def _findings(domain: PortalDomain) -> Findings | None:
    try:
        return look_at(domain.name, domain.token, slug_host(domain.portal))
    except Unknown:
        return None


@transaction.atomic
def _apply(domain_id: UUID, findings: Findings | None) -> PortalDomain:
    row = PortalDomain.objects.select_for_update(of=("self",)).get(pk=domain_id)
    if row.status == Status.RELEASED:
        return row
    before, now = row.status, timezone.now()
    row.checked_at = now
    if findings is None:
        row.problem = "dns_silent"
    elif row.status == Status.PENDING_DNS:
        _prove(row, findings, now)
    else:
        _follow(row, findings)
    row.check_due_at = now + _pause(row, now)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:  # another portal proved it in this moment
        row.refresh_from_db()
        row.problem = "taken"
        row.save(update_fields=["problem"])
    if row.status != before:
        _moved(row, before)
    return row


def _prove(row: PortalDomain, findings: Findings, now: datetime) -> None:
    if not findings.is_proven:
        row.problem = "no_txt"
        return
    others = PortalDomain.objects.filter(name=row.name).exclude(pk=row.pk)
    if others.exclude(status=Status.PENDING_DNS).exists():
        row.problem = "taken"
        return
    row.status, row.verified_at = Status.VERIFIED, now
    _follow(row, findings)


def _follow(row: PortalDomain, findings: Findings) -> None:
    """Move a proven domain to where the findings put it."""
    row.certificate_ends_at = findings.certificate_ends_at or row.certificate_ends_at
    ends_at = findings.certificate_ends_at
    if findings.points_here and ends_at is not None and findings.serves:
        row.status = Status.EXPIRING if findings.is_expiring else Status.LIVE
        row.problem, row.failures = "", 0
        return
    if not findings.points_here:
        row.problem = "not_pointing"
    elif ends_at is None:
        row.problem = "no_certificate"
    else:
        row.problem = "not_served"
    if row.status in _LIVE:
        row.failures += 1
        if row.failures >= BROKEN_AFTER_FAILURES:
            row.status = Status.BROKEN
    elif row.status != Status.BROKEN:
        row.status = Status.VERIFIED if ends_at is None else Status.ISSUED


def _pause(row: PortalDomain, now: datetime) -> timedelta:
    if row.status in _LIVE:
        return timedelta(minutes=2) if row.failures else timedelta(hours=6)
    if row.status == Status.BROKEN:
        return timedelta(minutes=10)
    return timedelta(minutes=1 if now - row.created_at < timedelta(hours=1) else 15)


def _moved(row: PortalDomain, before: str) -> None:
    _choose_live(row.portal_id)
    forget_hosts(row.name)
    changes = {"domain": row.name, "status": [str(before), str(row.status)]}
    _record(row, None, "domain.moved", changes)
    if row.status in (Status.BROKEN, Status.EXPIRING):
        _warn(row)


def _warn(row: PortalDomain) -> None:
    """Write to the agency's owners that their domain needs them."""
    agency = row.portal.agency
    problem: Any = PROBLEMS.get(row.problem, "")
    if row.status == Status.EXPIRING:
        problem = _("Its certificate expires soon and was not renewed.")
    owners = Membership.objects.filter(
        organization=agency, role=Role.OWNER
    ).select_related("user")
    for owner in owners:
        send_mail(
            organization=agency,
            template="domain_trouble",
            to=owner.user.email,
            context={
                "domain": row.name,
                "problem": problem,
                # The domain itself may not be reachable.
                "url": portal_url(_at_its_slug(row.portal), "/settings/domains/"),
            },
            idempotency_key=f"domain:{row.pk}:{row.status}:{row.checked_at:%Y%m%d}:{owner.pk}",
        )


def _at_its_slug(portal: Portal) -> Portal:
    portal.live_domain = ""
    return portal


def _choose_live(portal_id: UUID) -> None:
    """Keep beside the portal the first of its domains that is live."""
    portal = Portal.objects.select_for_update(no_key=True).get(pk=portal_id)
    live = (
        PortalDomain.objects.filter(portal=portal, status__in=_LIVE)
        .order_by("created_at", "pk")
        .values_list("name", flat=True)
        .first()
    )
    if portal.live_domain != (live or ""):
        portal.live_domain = live or ""
        portal.save(update_fields=["live_domain"])


def check_due_domains() -> int:
    """Look at each domain that is due, at most once at a time; return how many."""
    done = 0
    while (domain := _claim_due()) is not None and done < 50:
        check_domain(domain=domain)
        done += 1
    _tidy()
    return done


@transaction.atomic
def _claim_due() -> PortalDomain | None:
    domain = (
        PortalDomain.objects.filter(check_due_at__lte=timezone.now())
        .exclude(status=Status.RELEASED)
        .select_for_update(skip_locked=True, of=("self",))
        .order_by("check_due_at")
        .first()
    )
    if domain is not None:
        # Nobody else looks meanwhile; a worker that dies costs five minutes.
        domain.check_due_at = timezone.now() + timedelta(minutes=5)
        domain.save(update_fields=["check_due_at"])
    return domain


def _tidy() -> None:
    """Forget lapsed claims and freed names; give up what stayed broken."""
    now = timezone.now()
    PortalDomain.objects.filter(
        status=Status.PENDING_DNS, created_at__lt=now - CLAIM_LAPSES_AFTER
    ).delete()
    PortalDomain.objects.filter(
        status=Status.RELEASED, released_at__lt=now - FREED_AFTER
    ).delete()
    broken = PortalDomain.objects.filter(
        status=Status.BROKEN, certificate_ends_at__lt=now - RELEASED_AFTER_BROKEN
    )
    for domain in broken.select_related("portal"):
        release_domain(domain=domain, actor=None)


def may_have_certificate(name: str) -> bool:
    """Whether the proxy may ask for a certificate of this host.

    Only for those whose owner was proven; also while the portal is off, as its notice
    is to be read.
    """
    return PortalDomain.objects.filter(
        name=name, status__in=PortalDomain.SERVED
    ).exists()


def _record(
    domain: PortalDomain, actor: User | None, action: str, changes: dict[str, Any]
) -> None:
    agency = domain.portal.agency
    with organization_scope(agency):
        audit.record(
            organization=agency,
            actor=actor,
            action=action,
            target=domain,
            changes=changes,
        )
