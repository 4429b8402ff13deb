"""The Stripe account that an agency's clients pay into, over REST.

Keys are written here, sealed, and never given back. Connecting ends on Stripe's own
pages, where a person says who they are.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from django.conf import settings
from django.urls import reverse
from ninja import Body as BodyParam, Router
from pydantic import BaseModel, Field

from billing.errors import PaymentError, PaymentRefused, PaymentsNotReady
from billing.models import StripeAccount
from billing.payments import account_setup
from billing.payments.events import ENDPOINT_EVENTS
from billing.payments.merchant import account_in_use
from config.selling_api.amounts import agency_of
from portal.api.access import api_requires
from portal.api.errors import Conflict, InvalidRequest
from portal.api.paging import Body
from portal.hosts import portal_url
from portal.http import KeyRequest
from portal.models import Organization, Portal
from portal.permissions import Permission

router = Router()

_SHOWN: Final = (
    "account_name",
    "is_connected",
    "is_live",
    "is_ready",
    "currency",
    "tax",
    "tax_label",
    "seller_name",
    "seller_address",
    "seller_tax_id",
)
_KEPT: Final = (*_SHOWN[4:], "tax_basis_points")
Percent = Annotated[
    str,
    Field(
        max_length=6,
        pattern=r"^\d{1,3}(\.\d{1,2})?$",
        examples=["21.00"],
        json_schema_extra={"pattern": r"^(100(\.00?)?|\d{1,2}(\.\d{1,2})?)$"},
    ),
]


class StripeJson(BaseModel):
    """How clients pay. `problem` says what is still to do before they can.

    `webhook_url` and `webhook_events` are for an endpoint that one makes oneself.
    """

    key_hint: str | None
    has_webhook_secret: bool
    account_id: str | None
    account_name: str
    is_connected: bool
    is_live: bool
    is_ready: bool
    problem: str | None
    checked_at: datetime | None
    can_connect: bool
    webhook_url: str
    webhook_events: list[str]
    currency: str
    tax: str
    tax_percent: str
    tax_label: str
    seller_name: str
    seller_address: str
    seller_tax_id: str


class OneStripe(BaseModel):
    stripe: StripeJson


class StripeKey(Body):
    """A secret or restricted key; the webhook is made with it when it may make one."""

    secret_key: str = Field(
        min_length=1, max_length=300, json_schema_extra={"writeOnly": True}
    )
    webhook_secret: str = Field(
        "",
        max_length=200,
        description="Only if the key may not make the webhook itself.",
        json_schema_extra={"writeOnly": True},
    )


class TaxChange(Body):
    """Currency, tax and what stands on receipts from now on; what is left out stays."""

    currency: Literal["eur", "usd", "gbp", "chf"] = "eur"
    tax: Literal["none", "fixed", "stripe"] = "none"
    tax_percent: Percent = Field("0", description="With `tax` of `fixed`.")
    tax_label: str = Field("VAT", min_length=1, max_length=20)
    seller_name: str = Field("", max_length=120)
    seller_address: str = Field("", max_length=300)
    seller_tax_id: str = Field("", max_length=40)


class Connecting(BaseModel):
    """Where a person of the agency goes on; the address is good once, for minutes."""

    url: str


@router.get("/stripe", response=OneStripe)
@api_requires(Permission.BILLING_SELL)
def read_stripe(request: KeyRequest) -> dict[str, Any]:
    """Whether clients can pay, what tax is added, and what stands on receipts."""
    agency = agency_of(request)
    with suppress(PaymentError):  # then what it said last is shown, and when
        account_setup.check_connected(agency=agency)
    return {"stripe": stripe_json(agency)}


@router.put("/stripe/key", response=OneStripe)
@api_requires(Permission.BILLING_SELL, needs_live_key=True)
def save_stripe_key(
    request: KeyRequest, wanted: Annotated[StripeKey, BodyParam(...)]
) -> dict[str, Any]:
    """Keep the agency's own key, sealed, once Stripe took it."""
    agency = agency_of(request)
    try:
        account_setup.save_own_key(
            agency=agency,
            secret_key=wanted.secret_key,
            webhook_secret=wanted.webhook_secret,
            actor=None,
        )
    except PaymentRefused as refusal:
        raise InvalidRequest(str(refusal), param="secret_key") from refusal
    except PaymentError as error:
        raise _no_answer() from error
    return {"stripe": stripe_json(agency)}


@router.patch("/stripe", response=OneStripe)
@api_requires(Permission.BILLING_SELL)
def change_tax(
    request: KeyRequest, change: Annotated[TaxChange, BodyParam(...)]
) -> dict[str, Any]:
    """Change what is given, for payments from now on."""
    agency = agency_of(request)
    account = account_in_use(agency.pk) or StripeAccount(organization=agency)
    values = {name: getattr(account, name) for name in _KEPT}
    values |= change.model_dump(exclude_unset=True)
    percent = values.pop("tax_percent", None)
    if percent is not None:
        values["tax_basis_points"] = int(Decimal(percent) * 100)
    if values["tax"] != StripeAccount.Tax.FIXED:
        values["tax_basis_points"] = 0
    elif not 0 < values["tax_basis_points"] <= 10_000:
        raise InvalidRequest("Give the rate, such as 21.", param="tax_percent")
    account_setup.save_tax(agency=agency, values=values, actor=None)
    return {"stripe": stripe_json(agency)}


@router.post("/stripe/connect", response=Connecting)
@api_requires(Permission.BILLING_SELL, needs_live_key=True)
def connect_stripe(request: KeyRequest) -> dict[str, str]:
    """Begin to connect an account of the agency's; a person goes on at Stripe."""
    agency = agency_of(request)
    portal = Portal.objects.get(agency=agency)
    path = reverse("selling_stripe", urlconf=settings.ROOT_URLCONF)
    try:
        url = account_setup.begin_connecting(
            agency=agency, back=portal_url(portal, path)
        )
    except PaymentsNotReady as error:
        raise Conflict("Accounts cannot be connected on this installation.") from error
    except PaymentError as error:
        raise _no_answer() from error
    return {"url": url}


@router.delete("/stripe", response=OneStripe)
@api_requires(Permission.BILLING_SELL, needs_live_key=True)
def disconnect_stripe(request: KeyRequest) -> dict[str, Any]:
    """Take no further payments, and forget the key."""
    agency = agency_of(request)
    try:
        account_setup.disconnect(agency=agency, actor=None)
    except PaymentRefused as error:
        raise Conflict(str(error)) from error
    return {"stripe": stripe_json(agency)}


def stripe_json(agency: Organization) -> dict[str, Any]:
    """Return the account as the API shows it: of a key, where it ends."""
    row = account_in_use(agency.pk) or StripeAccount(organization=agency)
    return {name: getattr(row, name) for name in _SHOWN} | {
        "key_hint": row.key_hint or None,
        "has_webhook_secret": bool(row.webhook_secret),
        "account_id": row.account_id or None,
        "problem": row.problem or None,
        "checked_at": row.checked_at,
        "can_connect": bool(
            settings.STRIPE_SECRET_KEY and settings.STRIPE_CONNECT_WEBHOOK_SECRET
        ),
        "webhook_url": account_setup.webhook_address(agency),
        "webhook_events": list(ENDPOINT_EVENTS),
        "tax_percent": f"{Decimal(row.tax_basis_points) / 100:.2f}",
    }


def _no_answer() -> InvalidRequest:
    return InvalidRequest(
        "Stripe did not answer. Try again in a moment.", code="provider_unreachable"
    )
