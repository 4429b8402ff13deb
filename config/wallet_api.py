"""What happens to an organization's credits by themselves: top-up, alerts, its plan."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import Http404
from ninja import Body as BodyParam, Router, Status
from pydantic import BaseModel, Field, model_validator

from billing.alerts import watch_of
from billing.errors import PaymentRefused, PaymentUnknown
from billing.models import AutoRecharge, CreditWatch, Plan, Subscription
from billing.payments import checkout, renewals, shop
from billing.selling import save_recharge, save_watch
from common.money import MICROCREDITS_PER_CREDIT, format_credits, parse_credits
from config.clients.api import Credits
from config.payments_api import OnePayment, payment_json
from portal.api.access import api_requires
from portal.api.errors import InvalidRequest
from portal.api.members import Email
from portal.api.paging import Body
from portal.api.shapes import one_of
from portal.http import KeyRequest
from portal.models import Organization
from portal.permissions import Permission

router = Router(tags=["Billing"])


class AutoRechargeJson(BaseModel):
    """`paused_reason` says why it waits for a person: `declined`, `too_fast`, `no_package`."""

    is_enabled: bool
    threshold_credits: str
    package_id: UUID | None
    credits: int | None
    monthly_cap_cents: int | None
    paused_reason: str | None
    not_before: datetime | None


class OneAutoRecharge(BaseModel):
    auto_recharge: AutoRechargeJson


class AutoRechargeWanted(Body):
    """A package to buy; an agency names `credits` for its pool. Saving ends a pause."""

    model_config = one_of(package_id="string", credits="integer")

    is_enabled: bool = Field(True, strict=True)
    threshold_credits: Credits
    package_id: UUID | None = None
    credits: int | None = Field(None, ge=1, le=10_000_000)
    monthly_cap_cents: int | None = Field(None, ge=50, le=100_000_000)

    @model_validator(mode="after")
    def _one_of_both(self) -> AutoRechargeWanted:
        if (self.package_id is None) == (self.credits is None):
            raise ValueError("Give `package_id` or `credits`.")
        return self


class AlertsJson(BaseModel):
    """When the organization is told that credits run low; nobody named: owners, admins."""

    level_credits: str
    days_left: int
    mail_to: list[str]
    unpaid_message: str


class OneAlerts(BaseModel):
    alerts: AlertsJson


class AlertsChange(Body):
    """What is left out stays."""

    level_credits: str = Field("0", max_length=20, pattern=r"^\d{1,8}(\.\d{1,6})?$")
    days_left: int = Field(0, ge=0, le=90)
    mail_to: list[Email] = Field(default_factory=list, max_length=5)
    unpaid_message: str = Field("", max_length=300)


class PlanJson(BaseModel):
    """A month: minutes at one price, then the wallet, then overage."""

    id: UUID
    name: str
    price_cents: int
    tax_cents: int
    currency: str
    included_minutes: int
    credits_per_minute: str
    overage_limit_credits: str
    overage_cents_per_credit: int


class Plans(BaseModel):
    plans: list[PlanJson]


class SubscriptionJson(BaseModel):
    """The plan as it was when it was taken."""

    id: UUID
    plan_id: UUID
    name: str
    status: str
    price_cents: int
    included_minutes: int
    credits_per_minute: str
    started_at: datetime | None
    paid_until: datetime | None
    ends_with_month: bool


class OneSubscription(BaseModel):
    """Null when there is no plan: calls cost what the price list says."""

    subscription: SubscriptionJson | None


class SubscriptionWanted(Body):
    plan_id: UUID
    email: Email = Field(description="Where the receipts go.")


# --- automatic top-up -----------------------------------------------------------------
@router.get("/auto-recharge", response=OneAutoRecharge)
@api_requires(Permission.BILLING_READ)
def read_auto_recharge(request: KeyRequest) -> dict[str, Any]:
    """When credits are bought by themselves."""
    return {"auto_recharge": _recharge_json(request.organization)}


@router.put("/auto-recharge", response=OneAutoRecharge)
@api_requires(Permission.BILLING_BUY, needs_live_key=True)
def set_auto_recharge(
    request: KeyRequest, wanted: AutoRechargeWanted
) -> dict[str, Any]:
    """Say below how many credits the saved card is charged, for what, and the most a month."""
    organization = request.organization
    if wanted.package_id is not None:
        if shop.offered_package(organization, wanted.package_id) is None:
            raise InvalidRequest("There is no such package.", param="package_id")
    elif not organization.is_agency or wanted.credits not in shop.POOL_SIZES:
        sizes = ", ".join(map(str, shop.POOL_SIZES))
        raise InvalidRequest(
            f"Only an agency buys credits for its pool: {sizes}.", param="credits"
        )
    save_recharge(
        organization=organization,
        values={
            "is_enabled": wanted.is_enabled,
            "threshold_microcredits": parse_credits(wanted.threshold_credits),
            "package_id": wanted.package_id,
            "credits_microcredits": (wanted.credits or 0) * MICROCREDITS_PER_CREDIT,
            "monthly_cap_cents": wanted.monthly_cap_cents or 0,
        },
        actor=None,
    )
    return {"auto_recharge": _recharge_json(organization)}


def _recharge_json(organization: Organization) -> dict[str, Any]:
    row = AutoRecharge.objects.filter(organization=organization).first()
    row = row or AutoRecharge(organization=organization)
    return {
        "is_enabled": row.is_enabled,
        "threshold_credits": format_credits(row.threshold_microcredits),
        "package_id": row.package_id,
        "credits": row.credits_microcredits // MICROCREDITS_PER_CREDIT or None,
        "monthly_cap_cents": row.monthly_cap_cents or None,
        "paused_reason": row.paused_reason or None,
        "not_before": row.not_before,
    }


# --- alerts ---------------------------------------------------------------------------
@router.get("/alerts", response=OneAlerts)
@api_requires(Permission.BILLING_READ)
def read_alerts(request: KeyRequest) -> dict[str, Any]:
    """Who is told when credits run low, and when."""
    return {"alerts": _alerts_json(watch_of(request.organization))}


@router.patch("/alerts", response=OneAlerts)
@api_requires(Permission.BILLING_BUY)
def change_alerts(request: KeyRequest, change: AlertsChange) -> dict[str, Any]:
    """Change what is given."""
    organization = request.organization
    values = change.model_dump(exclude_unset=True)
    if "level_credits" in values:
        values["level_microcredits"] = parse_credits(values.pop("level_credits"))
    if "mail_to" in values:
        values["mail_to"] = ", ".join(values["mail_to"])
        longest = CreditWatch._meta.get_field("mail_to").max_length or 0
        if len(values["mail_to"]) > longest:
            raise InvalidRequest("These are too many addresses.", param="mail_to")
    if values:
        save_watch(organization=organization, values=values, actor=None)
    return {"alerts": _alerts_json(watch_of(organization))}


def _alerts_json(row: CreditWatch) -> dict[str, Any]:
    return {
        "level_credits": format_credits(row.level_microcredits),
        "days_left": row.days_left,
        "mail_to": [one.strip() for one in row.mail_to.split(",") if one.strip()],
        "unpaid_message": row.unpaid_message,
    }


# --- plans ----------------------------------------------------------------------------
@router.get("/plans", response=Plans)
@api_requires(Permission.BILLING_READ)
def read_plans(request: KeyRequest) -> dict[str, Any]:
    """The monthly plans on offer, with their tax where that is a fixed rate."""
    found = shop.open_shop(request.organization)
    return {
        "plans": [
            plan_terms(ware.plan)
            | {"tax_cents": ware.tax_cents, "currency": found.currency}
            for ware in found.plans
        ]
    }


@router.get("/subscription", response=OneSubscription)
@api_requires(Permission.BILLING_READ)
def read_subscription(request: KeyRequest) -> dict[str, Any]:
    """The plan that is on, or waits for its first payment."""
    row = _subscription(request.organization)
    return {"subscription": row and _subscription_json(row)}


@router.post("/subscription", response={201: OnePayment})
@api_requires(Permission.BILLING_BUY, needs_live_key=True)
def subscribe(
    request: KeyRequest, wanted: Annotated[SubscriptionWanted, BodyParam(...)]
) -> Status[dict[str, Any]]:
    """Take a plan; a person pays its first month at `checkout_url`."""
    organization = request.organization
    plan = shop.offered_plan(organization, wanted.plan_id)
    if plan is None:
        raise InvalidRequest("There is no such plan.", param="plan_id")
    try:
        payment = renewals.subscribe(
            client=organization, plan=plan, email=wanted.email, actor=None
        )
        checkout.checkout_url(payment.pk)
    except PaymentUnknown:
        pass  # the attempt is kept, and the same request asks Stripe again
    except PaymentRefused as error:
        raise InvalidRequest(str(error), param="plan_id") from error
    payment.refresh_from_db()
    return Status(201, {"payment": payment_json(payment)})


@router.delete("/subscription", response=OneSubscription)
@api_requires(Permission.BILLING_BUY, needs_live_key=True)
def leave_plan(request: KeyRequest) -> dict[str, Any]:
    """Let the plan end with the month that is paid."""
    row = _subscription(request.organization)
    if row is None:
        raise Http404("There is no plan to leave.")
    renewals.cancel_subscription(subscription=row, actor=None)
    row = _subscription(request.organization)
    return {"subscription": row and _subscription_json(row)}


def plan_terms(plan: Plan) -> dict[str, Any]:
    """Return what a plan says, as the API shows it."""
    return {
        "id": plan.pk,
        "name": plan.name,
        "price_cents": plan.price_cents,
        "included_minutes": plan.included_minutes,
        "credits_per_minute": format_credits(plan.microcredits_per_minute),
        "overage_limit_credits": format_credits(plan.overage_limit_microcredits),
        "overage_cents_per_credit": plan.overage_cents_per_credit,
    }


def _subscription_json(row: Subscription) -> dict[str, Any]:
    terms = row.terms
    return {
        "id": row.pk,
        "plan_id": row.plan_id,
        "name": terms["name"],
        "status": row.status,
        "price_cents": terms["price_cents"],
        "included_minutes": terms["included_minutes"],
        "credits_per_minute": format_credits(int(terms["microcredits_per_minute"])),
        "started_at": row.started_at,
        "paid_until": row.paid_until,
        "ends_with_month": row.is_cancelled,
    }


def _subscription(organization: Organization) -> Subscription | None:
    rows = Subscription.objects.filter(organization=organization)
    return rows.exclude(status=Subscription.Status.ENDED).first()
