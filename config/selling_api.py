"""What an agency sells, over REST: prices, packages, plans, codes, trial credits."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import Body as BodyParam, Query, Router, Status
from pydantic import AwareDatetime, BaseModel, Field, model_validator

from billing import selling
from billing.models import Coupon, CreditPackage, Plan, Price, TrialOffer
from billing.pricing import Terms, set_price
from common.money import format_credits, parse_credits
from config.clients.api import Credits
from config.wallet_api import plan_terms
from portal.api.access import api_requires
from portal.api.errors import Conflict, InvalidRequest
from portal.api.paging import Body, Page, Pagination, pagination
from portal.models import Organization
from portal.permissions import Permission
from portal.scope import agency_scope

router = Router(tags=["Selling"])

AnyCredits = Annotated[
    str,
    Field(max_length=20, pattern=r"^\d{1,8}(\.\d{1,6})?$", examples=["1.50"]),
]
Cents = Annotated[int, Field(ge=50, le=100_000_000)]
Days = Annotated[int, Field(ge=1, le=3650)]


class PriceJson(BaseModel):
    """One version of a price; `client_id` null is every client, "" every call or mode."""

    id: UUID
    client_id: UUID | None
    direction: str
    mode: str
    credits_per_minute: str
    setup_credits: str
    minimum_seconds: int
    free_minutes: int
    model_cost_percent: int
    is_withdrawn: bool
    effective_at: datetime


class OnePrice(BaseModel):
    price: PriceJson


class Prices(BaseModel):
    prices: list[PriceJson]
    pagination: Pagination


class NewPrice(Body):
    """From `effective_at` on, now by default; calls keep the price they began with."""

    client_id: UUID | None = None
    direction: Literal["", "inbound", "outbound", "web"] = ""
    mode: Literal["", "own_key", "platform_key", "realtime"] = ""
    credits_per_minute: AnyCredits
    setup_credits: AnyCredits = "0"
    minimum_seconds: int = Field(0, ge=0, le=3600)
    free_minutes: int = Field(0, ge=0, le=1_000_000)
    model_cost_percent: int = Field(100, ge=0, le=1000)
    is_withdrawn: bool = Field(
        False, strict=True, description="The next less exact price counts again."
    )
    effective_at: AwareDatetime | None = None

    @model_validator(mode="after")
    def _free_minutes_of_every_call(self) -> NewPrice:
        if self.free_minutes and (self.direction or self.mode):
            raise ValueError("Free minutes belong to a price for every call.")
        return self


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


class CouponJson(BaseModel):
    id: UUID
    code: str
    credits: str
    expires_days: int | None
    valid_until: datetime | None
    max_uses: int | None
    uses: int
    is_active: bool


class OneCoupon(BaseModel):
    coupon: CouponJson


class Coupons(BaseModel):
    coupons: list[CouponJson]


class NewCoupon(Body):
    code: str = Field(pattern=r"^[A-Za-z0-9_-]{3,40}$", examples=["WELCOME"])
    credits: Credits
    expires_days: Days | None = None
    valid_until: AwareDatetime | None = None
    max_uses: int | None = Field(None, ge=1, le=1_000_000)


class CouponSwitch(Body):
    is_active: bool = Field(strict=True)


class Trial(Body):
    """What every client that begins from now on gets; "0" ends the offer."""

    credits: AnyCredits
    expires_days: Days | None = None


class OneTrial(BaseModel):
    trial: Trial


# --- prices ---------------------------------------------------------------------------
@router.get("/prices", response=Prices)
@api_requires(Permission.BILLING_SELL)
def list_prices(
    request: HttpRequest, wanted: Annotated[Page, Query()]
) -> dict[str, Any]:
    """Every version of every price, the latest first."""
    agency = _agency(request)
    with agency_scope(agency.pk):
        rows = Price.objects.filter(organization=agency)
        return {
            "prices": [
                price_json(row)
                for row in rows[wanted.offset : wanted.offset + wanted.limit]
            ],
            "pagination": pagination(wanted, rows.count()),
        }


@router.post("/prices", response={201: OnePrice})
@api_requires(Permission.BILLING_SELL)
def create_price(
    request: HttpRequest, wanted: Annotated[NewPrice, BodyParam(...)]
) -> Status[dict[str, Any]]:
    """Set what calls cost one client, or all of them. The past keeps its prices."""
    agency = _agency(request)
    now = timezone.now()
    with agency_scope(agency.pk):
        client = None
        if wanted.client_id is not None:
            client = Organization.objects.filter(
                pk=wanted.client_id, parent=agency
            ).first()
            if client is None:
                raise InvalidRequest("There is no such client.", param="client_id")
        row = set_price(
            agency=agency,
            client=client,
            microcredits_per_minute=parse_credits(wanted.credits_per_minute),
            effective_at=max(now, wanted.effective_at or now),
            actor=None,
            terms=Terms(
                parse_credits(wanted.credits_per_minute),
                direction=wanted.direction,
                mode=wanted.mode,
                setup_microcredits=parse_credits(wanted.setup_credits),
                minimum_seconds=wanted.minimum_seconds,
                free_minutes=wanted.free_minutes,
                model_cost_percent=wanted.model_cost_percent,
                is_withdrawn=wanted.is_withdrawn,
            ),
        )
    return Status(201, {"price": price_json(row)})


def price_json(row: Price) -> dict[str, Any]:
    return {name: getattr(row, name, None) for name in PriceJson.model_fields} | {
        "credits_per_minute": format_credits(row.microcredits_per_minute),
        "setup_credits": format_credits(row.setup_microcredits),
    }


# --- packages -------------------------------------------------------------------------
@router.get("/packages", response=SoldPackages)
@api_requires(Permission.BILLING_SELL)
def list_packages(request: HttpRequest) -> dict[str, Any]:
    """Every package, those that are no longer offered too."""
    rows = CreditPackage.objects.filter(organization=_agency(request))
    return {"packages": [package_json(row) for row in rows]}


@router.post("/packages", response={201: OneSoldPackage})
@api_requires(Permission.BILLING_SELL)
def create_package(
    request: HttpRequest, wanted: Annotated[NewPackage, BodyParam(...)]
) -> Status[dict[str, Any]]:
    """Put a package on offer."""
    row = selling.add_package(
        agency=_agency(request),
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
    request: HttpRequest, package_id: UUID, wanted: Offer
) -> dict[str, Any]:
    """Offer a package again, or no more."""
    agency = _agency(request)
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
def list_plans(request: HttpRequest) -> dict[str, Any]:
    """Every plan, those that are no longer offered too."""
    rows = Plan.objects.filter(organization=_agency(request))
    return {"plans": [plan_json(row) for row in rows]}


@router.post("/plans", response={201: OneSoldPlan})
@api_requires(Permission.BILLING_SELL)
def create_plan(
    request: HttpRequest, wanted: Annotated[NewPlan, BodyParam(...)]
) -> Status[dict[str, Any]]:
    """Put a plan on offer."""
    over = parse_credits(wanted.overage_limit_credits)
    if over and not wanted.overage_cents_per_credit:
        raise InvalidRequest(
            "Say what a credit beyond the wallet costs.",
            param="overage_cents_per_credit",
        )
    row = selling.add_plan(
        agency=_agency(request),
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
def offer_plan(request: HttpRequest, plan_id: UUID, wanted: Offer) -> dict[str, Any]:
    """Offer a plan again, or no more; who is on it stays on it."""
    done = selling.offer_plan(
        agency=_agency(request),
        plan_id=plan_id,
        is_offered=wanted.is_offered,
        actor=None,
    )
    if not done:
        raise Http404("No such plan.")
    return {"plan": plan_json(Plan.objects.get(pk=plan_id))}


def plan_json(row: Plan) -> dict[str, Any]:
    return plan_terms(row) | {"is_offered": row.is_offered}


# --- codes and trials -----------------------------------------------------------------
@router.get("/coupons", response=Coupons)
@api_requires(Permission.BILLING_SELL)
def list_coupons(request: HttpRequest) -> dict[str, Any]:
    """Every code, newest first."""
    rows = Coupon.objects.filter(organization=_agency(request))
    return {"coupons": [coupon_json(row) for row in rows]}


@router.post("/coupons", response={201: OneCoupon})
@api_requires(Permission.BILLING_SELL)
def create_coupon(
    request: HttpRequest, wanted: Annotated[NewCoupon, BodyParam(...)]
) -> Status[dict[str, Any]]:
    """Make a code that gives each client credits once."""
    values = wanted.model_dump()
    values["microcredits"] = parse_credits(values.pop("credits"))
    try:
        with transaction.atomic():
            row = selling.add_coupon(agency=_agency(request), values=values, actor=None)
    except IntegrityError as error:
        raise Conflict("There is a code of this name.") from error
    return Status(201, {"coupon": coupon_json(row)})


@router.patch("/coupons/{uuid:coupon_id}", response=OneCoupon)
@api_requires(Permission.BILLING_SELL)
def switch_coupon(
    request: HttpRequest, coupon_id: UUID, wanted: CouponSwitch
) -> dict[str, Any]:
    """Let a code be used again, or no more."""
    done = selling.switch_coupon(
        agency=_agency(request),
        coupon_id=coupon_id,
        is_active=wanted.is_active,
        actor=None,
    )
    if not done:
        raise Http404("No such code.")
    return {"coupon": coupon_json(Coupon.objects.get(pk=coupon_id))}


def coupon_json(row: Coupon) -> dict[str, Any]:
    return {name: getattr(row, name, None) for name in CouponJson.model_fields} | {
        "credits": format_credits(row.microcredits)
    }


@router.get("/trial", response=OneTrial)
@api_requires(Permission.BILLING_SELL)
def read_trial(request: HttpRequest) -> dict[str, Any]:
    """What new clients get to try with."""
    return {"trial": _trial(_agency(request))}


@router.put("/trial", response=OneTrial)
@api_requires(Permission.BILLING_SELL)
def set_trial(
    request: HttpRequest, wanted: Annotated[Trial, BodyParam(...)]
) -> dict[str, Any]:
    """Set it for clients that begin from now on."""
    agency = _agency(request)
    selling.offer_trial(
        agency=agency,
        microcredits=parse_credits(wanted.credits),
        expires_days=wanted.expires_days,
        now=timezone.now(),
        actor=None,
    )
    return {"trial": _trial(agency)}


def _trial(agency: Organization) -> dict[str, Any]:
    row = TrialOffer.objects.filter(organization=agency, is_active=True).first()
    return {
        "credits": format_credits(row.microcredits if row else 0),
        "expires_days": row.expires_days if row else None,
    }


def _agency(request: HttpRequest) -> Organization:
    agency: Organization = request.organization  # type: ignore[attr-defined]  # set by ApiMiddleware
    if not agency.is_agency:
        raise PermissionDenied
    return agency
