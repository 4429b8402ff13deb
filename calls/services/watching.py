"""Looking for calls that look like fraud, and telling whoever can stop them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import phonenumbers
from django.db import transaction
from django.db.models import Count
from django.urls import reverse
from django.utils import timezone

from calls.destinations import country_of
from calls.models import Call, CallAlert
from calls.suspicion import Seen, Suspicion, suspicions
from portal.hosts import portal_url
from portal.mail import send_mail
from portal.models import Membership, Organization, Portal, Role, User
from portal.scope import Scope, agency_scope, all_organizations, scoped
from portal.services import audit

HOUR: Final = timedelta(hours=1)
MONTH: Final = timedelta(days=30)
# What was dismissed is not told again before this.
PEACE: Final = timedelta(days=1)
# Fewer calls in an hour than any rule asks for are not looked at.
FEWEST: Final = 10


def watch(now: datetime) -> int:
    """Look at every organization's last hour; return how many suspicions are new.

    Any number may run at once: a row is one suspicion, and its mail has its key.
    """
    with all_organizations("each organization's calls are looked at by themselves"):
        busy = list(
            Call.objects.filter(created_at__gte=now - HOUR, is_test=False)
            .exclude(direction=Call.Direction.WEB)
            .order_by()
            .values_list("agency_id", "organization_id")
            .annotate(count=Count("pk"))
            .filter(count__gte=FEWEST)
        )
    return sum(
        _watch_one(agency_id, organization_id, now)
        for agency_id, organization_id, _count in busy
    )


def standing_alerts(organization: Organization) -> list[CallAlert]:
    """Return what nobody has dismissed yet, newest first."""
    return list(
        CallAlert.objects.filter(organization=organization, dismissed_at__isnull=True)
    )


@transaction.atomic
def dismiss_alert(*, alert: CallAlert, actor: User | None) -> bool:
    """Take one off the list; return whether it still stood there."""
    dismissed = CallAlert.objects.filter(pk=alert.pk, dismissed_at__isnull=True).update(
        dismissed_at=timezone.now(), dismissed_by=actor
    )
    if dismissed:
        audit.record(
            organization=alert.organization,
            actor=actor,
            action="call_alert.dismissed",
            target=alert,
            changes={"kind": alert.kind, "count": alert.count},
        )
    return bool(dismissed)


def _watch_one(agency_id: UUID, organization_id: UUID, now: datetime) -> int:
    with scoped(Scope(agency_id, organization_id)):
        found = suspicions(
            _seen(organization_id, now),
            lambda country: _is_usual(organization_id, country, now),
        )
        if not found:
            return 0
        organization = Organization.objects.get(pk=organization_id)
        return sum(_note(organization, suspicion, now) for suspicion in found)


def _seen(organization_id: UUID, now: datetime) -> list[Seen]:
    calls = Call.objects.filter(
        organization=organization_id, created_at__gte=now - HOUR, is_test=False
    ).exclude(direction=Call.Direction.WEB)
    return [
        Seen(
            callee if direction == Call.Direction.OUTBOUND else caller,
            direction == Call.Direction.OUTBOUND,
            duration_ms / 1000 if started and ended else None,
        )
        for direction, caller, callee, started, ended, duration_ms in calls.values_list(
            "direction",
            "caller_number",
            "callee_number",
            "started_at",
            "ended_at",
            "duration_ms",
        )
    ]


def _is_usual(organization_id: UUID, country: str, now: datetime) -> bool:
    """Whether a country was called in the month before this hour.

    Calls whose number was hashed or deleted count neither way. Its first day is bounded
    elsewhere, so nothing is new to who never called at all.
    """
    calls = Call.objects.filter(
        organization=organization_id,
        direction=Call.Direction.OUTBOUND,
        callee_number__startswith="+",
        created_at__range=(now - MONTH, now - HOUR),
    ).order_by()
    code = phonenumbers.country_code_for_region(country)
    there = calls.filter(callee_number__startswith=f"+{code}")
    if len(phonenumbers.region_codes_for_country_code(code)) == 1:
        return there.exists() or not calls.exists()
    numbers = there.values_list("callee_number", flat=True).distinct()
    return (
        any(country_of(number) == country for number in numbers.iterator())
        or not calls.exists()
    )


@transaction.atomic
def _note(organization: Organization, suspicion: Suspicion, now: datetime) -> bool:
    told = CallAlert.objects.filter(
        organization=organization, kind=suspicion.kind, subject=suspicion.subject
    )
    standing = told.filter(dismissed_at__isnull=True)
    if standing.update(count=suspicion.count, last_seen_at=now):
        return False
    if told.filter(dismissed_at__gte=now - PEACE).exists():
        return False
    alert = CallAlert(
        organization=organization,
        agency_id=organization.agency_id,
        kind=suspicion.kind,
        subject=suspicion.subject,
        count=suspicion.count,
        first_seen_at=now,
        last_seen_at=now,
    )
    CallAlert.objects.bulk_create([alert], ignore_conflicts=True)
    if not CallAlert.objects.filter(pk=alert.pk).exists():
        return False  # another look was first
    _tell(organization, alert)
    return True


def _tell(organization: Organization, alert: CallAlert) -> None:
    """Mail the agency: whoever steals a client's account reads the client's mail."""
    with agency_scope(organization.agency_id):
        agency = Organization.objects.get(pk=organization.agency_id)
        portal = Portal.objects.filter(agency=agency).first()
        url = ""
        if portal is not None and not organization.is_agency:
            url = portal_url(portal, reverse("client_guard", args=[organization.pk]))
        readers = Membership.objects.filter(
            organization=agency, role__in=[Role.OWNER, Role.ADMIN]
        ).values_list("user__email", flat=True)
        for to in readers:
            send_mail(
                organization=agency,
                template="suspicious_calls",
                to=to,
                context={
                    "organization_name": organization.name,
                    "sentence": alert.sentence,
                    "url": url,
                },
                idempotency_key=f"call-alert:{alert.pk}:{to}",
            )
