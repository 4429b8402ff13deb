"""What an agency puts on offer; the services behind its selling pages."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from billing.models import (
    AutoRecharge,
    Coupon,
    CreditPackage,
    CreditWatch,
    Plan,
    TrialOffer,
)
from portal.models import Organization, User
from portal.services import audit


@transaction.atomic
def add_package(
    *, agency: Organization, values: dict[str, Any], actor: User | None
) -> CreditPackage:
    """Put a package on offer. Its terms never change: another price is another one."""
    package = CreditPackage.objects.create(organization=agency, **values)
    _note(agency, actor, "package.added", package, values)
    return package


@transaction.atomic
def add_plan(
    *, agency: Organization, values: dict[str, Any], actor: User | None
) -> Plan:
    """Put a plan on offer. Clients that subscribe keep its terms."""
    plan = Plan.objects.create(organization=agency, **values)
    _note(agency, actor, "plan.added", plan, values)
    return plan


@transaction.atomic
def add_coupon(
    *, agency: Organization, values: dict[str, Any], actor: User | None
) -> Coupon:
    """Make a code; raises IntegrityError when the agency has it already."""
    coupon = Coupon.objects.create(organization=agency, **values)
    _note(agency, actor, "coupon.added", coupon, {"code": coupon.code})
    return coupon


@transaction.atomic
def offer_package(
    *, agency: Organization, package_id: UUID, is_offered: bool, actor: User | None
) -> bool:
    """Put a package on offer again, or off; return whether there is one."""
    found = CreditPackage.objects.filter(organization=agency, pk=package_id)
    return _switch(found, "is_offered", is_offered, agency, actor)


@transaction.atomic
def offer_plan(
    *, agency: Organization, plan_id: UUID, is_offered: bool, actor: User | None
) -> bool:
    """Put a plan on offer again, or off; those subscribed keep it."""
    found = Plan.objects.filter(organization=agency, pk=plan_id)
    return _switch(found, "is_offered", is_offered, agency, actor)


@transaction.atomic
def switch_coupon(
    *, agency: Organization, coupon_id: UUID, is_active: bool, actor: User | None
) -> bool:
    """Let a code be used again, or no more."""
    found = Coupon.objects.filter(organization=agency, pk=coupon_id)
    return _switch(found, "is_active", is_active, agency, actor)


@transaction.atomic
def offer_trial(
    *,
    agency: Organization,
    microcredits: int,
    expires_days: int | None,
    now: datetime,
    actor: User | None,
) -> None:
    """Give every client that begins from now on so many credits; none ends the offer."""
    if not microcredits:
        TrialOffer.objects.filter(organization=agency).update(is_active=False)
    else:
        TrialOffer.objects.update_or_create(
            organization=agency,
            defaults={
                "microcredits": microcredits,
                "expires_days": expires_days,
                "is_active": True,
            },
            create_defaults={
                "agency_id": agency.pk,
                "microcredits": microcredits,
                "expires_days": expires_days,
            },
        )
        # Clients that are there already had their start.
        TrialOffer.objects.filter(organization=agency).update(created_at=now)
    _note(agency, actor, "trial.offered", None, {"microcredits": microcredits})


@transaction.atomic
def save_recharge(
    *, organization: Organization, values: dict[str, Any], actor: User | None
) -> None:
    """Keep an organization's wishes for automatic top-up; saving ends every pause."""
    AutoRecharge.objects.update_or_create(
        organization=organization,
        defaults={
            **values,
            "declines": 0,
            "not_before": None,
            "paused_reason": "",
        },
        create_defaults={**values, "agency_id": organization.agency_id},
    )
    changes = {name: str(value) for name, value in values.items()}
    _note(organization, actor, "recharge.saved", None, changes)


@transaction.atomic
def save_watch(
    *, organization: Organization, values: dict[str, Any], actor: User | None
) -> None:
    """Keep who is told of low credits, and when; what was told is forgotten."""
    CreditWatch.objects.update_or_create(
        organization=organization,
        defaults=values,
        create_defaults={**values, "agency_id": organization.agency_id},
    )
    _note(organization, actor, "credit_watch.saved", None, values)


def _switch(
    found: Any, name: str, value: bool, agency: Organization, actor: User | None
) -> bool:
    changed = bool(found.update(**{name: value}))
    if changed:
        _note(agency, actor, "offer.switched", found.first(), {name: value})
    return changed


def _note(
    organization: Organization,
    actor: User | None,
    action: str,
    target: Any,
    changes: dict[str, Any],
) -> None:
    audit.record(
        organization=organization,
        actor=actor,
        action=action,
        target=target,
        changes=changes,
    )
