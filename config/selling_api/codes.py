"""Codes that give credits, and what new clients try with, over REST."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.http import Http404
from django.utils import timezone
from ninja import Body as BodyParam, Router, Status
from pydantic import AwareDatetime, BaseModel, Field

from billing import selling
from billing.models import Coupon, TrialOffer
from common.money import format_credits, parse_credits
from config.clients.api import Credits
from config.selling_api.amounts import AnyCredits, Days, agency_of
from portal.api.access import api_requires
from portal.api.errors import Conflict
from portal.api.paging import Body
from portal.http import KeyRequest
from portal.models import Organization
from portal.permissions import Permission

router = Router()


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


@router.get("/coupons", response=Coupons)
@api_requires(Permission.BILLING_SELL)
def list_coupons(request: KeyRequest) -> dict[str, Any]:
    """Every code, newest first."""
    rows = Coupon.objects.filter(organization=agency_of(request))
    return {"coupons": [coupon_json(row) for row in rows]}


@router.post("/coupons", response={201: OneCoupon})
@api_requires(Permission.BILLING_SELL)
def create_coupon(
    request: KeyRequest, wanted: Annotated[NewCoupon, BodyParam(...)]
) -> Status[dict[str, Any]]:
    """Make a code that gives each client credits once."""
    values = wanted.model_dump()
    values["microcredits"] = parse_credits(values.pop("credits"))
    try:
        with transaction.atomic():
            row = selling.add_coupon(
                agency=agency_of(request), values=values, actor=None
            )
    except IntegrityError as error:
        raise Conflict("There is a code of this name.", param="code") from error
    return Status(201, {"coupon": coupon_json(row)})


@router.patch("/coupons/{uuid:coupon_id}", response=OneCoupon)
@api_requires(Permission.BILLING_SELL)
def switch_coupon(
    request: KeyRequest, coupon_id: UUID, wanted: CouponSwitch
) -> dict[str, Any]:
    """Let a code be used again, or no more."""
    done = selling.switch_coupon(
        agency=agency_of(request),
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
def read_trial(request: KeyRequest) -> dict[str, Any]:
    """What new clients get to try with."""
    return {"trial": _trial(agency_of(request))}


@router.put("/trial", response=OneTrial)
@api_requires(Permission.BILLING_SELL)
def set_trial(
    request: KeyRequest, wanted: Annotated[Trial, BodyParam(...)]
) -> dict[str, Any]:
    """Set it for clients that begin from now on."""
    agency = agency_of(request)
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
