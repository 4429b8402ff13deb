"""Packages of credits and plans over REST: put on offer, taken off, offered again."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.http import Http404
from ninja import Body as BodyParam, Router, Status
from pydantic import BaseModel, Field

from billing import selling
from billing.models import CreditPackage, Plan
from common.money import format_credits, parse_credits
from config.clients.api import Credits
from config.selling_api.amounts import AnyCredits, Cents, Days, agency_of
from config.wallet_api import plan_terms
from portal.api.access import api_requires
from portal.api.errors import InvalidRequest
from portal.api.paging import Body
from portal.http import KeyRequest
from portal.permissions import Permission

router = Router()


class SoldPackageJson(BaseModel):
    id: UUID
    name: str
    credits: str
    bonus_credits: str
    price_cents: int
    expires_days: int | None
    is_offered: bool


class OneSoldPackage(BaseModel):
    package: SoldPackageJson


class SoldPackages(BaseModel):
    packages: list[SoldPackageJson]


class NewPackage(Body):
    """Its terms never change: another price is another package."""

    name: str = Field(min_length=1, max_length=80)
    credits: Credits
    bonus_credits: AnyCredits = "0"
    price_cents: Cents
    expires_days: Days | None = None


class Offer(Body):
    is_offered: bool = Field(strict=True)


class SoldPlanJson(BaseModel):
    id: UUID
    name: str
    price_cents: int
    included_minutes: int
    credits_per_minute: str
    overage_limit_credits: str
    overage_cents_per_credit: int
    is_offered: bool


class OneSoldPlan(BaseModel):
    plan: SoldPlanJson


class SoldPlans(BaseModel):
    plans: list[SoldPlanJson]


class NewPlan(Body):
    """Who takes it keeps these terms, whatever is offered later."""

    name: str = Field(min_length=1, max_length=80)
    price_cents: Cents
    included_minutes: int = Field(ge=0, le=1_000_000)
    credits_per_minute: Credits
    overage_limit_credits: AnyCredits = "0"
    overage_cents_per_credit: int = Field(0, ge=0, le=1_000_000)


# --- packages -------------------------------------------------------------------------
@router.get("/packages", response=SoldPackages)
@api_requires(Permission.BILLING_SELL)
def list_packages(request: KeyRequest) -> dict[str, Any]:
    """Every package, those that are no longer offered too."""
    rows = CreditPackage.objects.filter(organization=agency_of(request))
    return {"packages": [package_json(row) for row in rows]}


@router.post("/packages", response={201: OneSoldPackage})
@api_requires(Permission.BILLING_SELL)
def create_package(
    request: KeyRequest, wanted: Annotated[NewPackage, BodyParam(...)]
) -> Status[dict[str, Any]]:
    """Put a package on offer."""
    row = selling.add_package(
        agency=agency_of(request),
        values={
            "name": wanted.name,
            "credits_microcredits": parse_credits(wanted.credits),
            "bonus_microcredits": parse_credits(wanted.bonus_credits),
            "price_cents": wanted.price_cents,
            "expires_days": wanted.expires_days,
        },
        actor=None,
    )
    return Status(201, {"package": package_json(row)})


@router.patch("/packages/{uuid:package_id}", response=OneSoldPackage)
@api_requires(Permission.BILLING_SELL)
def offer_package(
    request: KeyRequest, package_id: UUID, wanted: Offer
) -> dict[str, Any]:
    """Offer a package again, or no more."""
    agency = agency_of(request)
    done = selling.offer_package(
        agency=agency, package_id=package_id, is_offered=wanted.is_offered, actor=None
    )
    if not done:
        raise Http404("No such package.")
    return {"package": package_json(CreditPackage.objects.get(pk=package_id))}


def package_json(row: CreditPackage) -> dict[str, Any]:
    return {name: getattr(row, name, None) for name in SoldPackageJson.model_fields} | {
        "credits": format_credits(row.credits_microcredits),
        "bonus_credits": format_credits(row.bonus_microcredits),
    }


# --- plans ----------------------------------------------------------------------------
@router.get("/plans", response=SoldPlans)
@api_requires(Permission.BILLING_SELL)
def list_plans(request: KeyRequest) -> dict[str, Any]:
    """Every plan, those that are no longer offered too."""
    rows = Plan.objects.filter(organization=agency_of(request))
    return {"plans": [plan_json(row) for row in rows]}


@router.post("/plans", response={201: OneSoldPlan})
@api_requires(Permission.BILLING_SELL)
def create_plan(
    request: KeyRequest, wanted: Annotated[NewPlan, BodyParam(...)]
) -> Status[dict[str, Any]]:
    """Put a plan on offer."""
    over = parse_credits(wanted.overage_limit_credits)
    if over and not wanted.overage_cents_per_credit:
        raise InvalidRequest(
            "Say what a credit beyond the wallet costs.",
            param="overage_cents_per_credit",
        )
    row = selling.add_plan(
        agency=agency_of(request),
        values={
            "name": wanted.name,
            "price_cents": wanted.price_cents,
            "included_minutes": wanted.included_minutes,
            "microcredits_per_minute": parse_credits(wanted.credits_per_minute),
            "overage_limit_microcredits": over,
            "overage_cents_per_credit": wanted.overage_cents_per_credit,
        },
        actor=None,
    )
    return Status(201, {"plan": plan_json(row)})


@router.patch("/plans/{uuid:plan_id}", response=OneSoldPlan)
@api_requires(Permission.BILLING_SELL)
def offer_plan(request: KeyRequest, plan_id: UUID, wanted: Offer) -> dict[str, Any]:
    """Offer a plan again, or no more; who is on it stays on it."""
    done = selling.offer_plan(
        agency=agency_of(request),
        plan_id=plan_id,
        is_offered=wanted.is_offered,
        actor=None,
    )
    if not done:
        raise Http404("No such plan.")
    return {"plan": plan_json(Plan.objects.get(pk=plan_id))}


def plan_json(row: Plan) -> dict[str, Any]:
    return plan_terms(row) | {"is_offered": row.is_offered}
