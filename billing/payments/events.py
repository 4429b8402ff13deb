"""What Stripe sends: verified, kept once, answered at once, handled by a task."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import stripe
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from billing.errors import PaymentError
from billing.models import Payment, StripeAccount, StripeEvent
from billing.payments.merchant import API_VERSION
from billing.payments.syncing import sync_payment
from common.edges import contained
from portal.models import Portal
from portal.scope import agency_scope, all_organizations

logger = logging.getLogger(__name__)
TOLERANCE_S: Final = 300
MOST_TRIES: Final = 20
# Events that say something happened to a payment; others are kept and left alone.
ABOUT_PAYMENTS: Final = (
    "checkout.session.",
    "payment_intent.",
    "charge.",
    "refund.",
)
ENDPOINT_EVENTS: Final = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "charge.refunded",
    "charge.refund.updated",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
)


class BadSignature(Exception):
    """The request is not from Stripe, or too old, or for another endpoint."""


def receive_event(
    *, portal: Portal | None, body: bytes, signature: str
) -> StripeEvent | None:
    """Verify and keep an event, once by its id; return it when it is new.

    At a portal's host it must be signed with the secret of the agency's endpoint, at the
    operator's host with one of the operator's. Raises `BadSignature`.
    """
    event, agency_id = _verified(portal, body, signature)
    if event.get("api_version") not in (None, API_VERSION):
        logger.warning("stripe event of another version", extra={"id": event["id"]})
    with all_organizations("an event says itself whose account it is about"):
        row, is_new = StripeEvent.objects.get_or_create(
            agency_id=agency_id,
            event_id=str(event["id"])[:120],
            defaults={"kind": str(event["type"])[:80], "payload": event},
        )
    return row if is_new else None


def _verified(
    portal: Portal | None, body: bytes, signature: str
) -> tuple[dict[str, Any], UUID | None]:
    for secret, is_connect in _secrets(portal):
        try:
            stripe.WebhookSignature.verify_header(
                body.decode("utf-8", "replace"), signature, secret, TOLERANCE_S
            )
        except stripe.SignatureVerificationError:
            continue
        event = json.loads(body)
        if not isinstance(event, dict) or not {"id", "type", "data"} <= event.keys():
            raise BadSignature
        if portal is not None:
            return event, portal.agency_id
        return event, _agency_of(event.get("account")) if is_connect else None
    raise BadSignature


def _secrets(portal: Portal | None) -> list[tuple[str, bool]]:
    if portal is None:
        found = [
            (settings.STRIPE_WEBHOOK_SECRET, False),
            (settings.STRIPE_CONNECT_WEBHOOK_SECRET, True),
        ]
    else:
        with agency_scope(portal.agency_id):
            # Money paid to an earlier account may still go back.
            found = [
                (account.webhook_secret, False)
                for account in StripeAccount.objects.filter(
                    organization=portal.agency_id
                )
            ]
    return [(secret, is_connect) for secret, is_connect in found if secret]


def _agency_of(account_id: object) -> UUID:
    with all_organizations("a connected account says whose it is"):
        found = StripeAccount.objects.filter(
            account_id=str(account_id), is_connected=True
        ).values_list("agency_id", flat=True)
        if (agency_id := found.first()) is None:
            raise BadSignature
        return agency_id


def handle_event(event_id: UUID) -> None:
    """Look at the payment an event is about; done once, safe to do again.

    What Stripe does not answer is tried again by the sweeper.
    """
    with all_organizations("an event is handled whoever it is about"):
        event = StripeEvent.objects.get(pk=event_id)
        if event.handled_at is not None:
            return
        event.tries += 1
        try:
            _handle(event)
        except PaymentError as error:
            event.problem = str(error)[:300] or type(error).__name__
            event.save(update_fields=["tries", "problem"])
            return
        event.handled_at = timezone.now()
        event.problem = ""
        event.save(update_fields=["tries", "handled_at", "problem"])


def _handle(event: StripeEvent) -> None:
    thing = event.payload.get("data", {}).get("object", {})
    if not isinstance(thing, dict):
        return
    if event.kind == "account.application.deauthorized":
        StripeAccount.objects.filter(
            agency=event.agency,
            account_id=str(event.payload.get("account")),
            is_connected=True,
        ).update(is_ready=False, problem="The account was disconnected at Stripe.")
    elif event.kind.startswith(ABOUT_PAYMENTS):
        payment = _payment_of(event, thing)
        if payment is not None:
            sync_payment(payment.pk)


def _payment_of(event: StripeEvent, thing: dict[str, Any]) -> Payment | None:
    """Return our payment, also when Stripe's answer with its ids never reached us."""
    mine = Payment.objects.filter(merchant=None)
    if event.agency_id is not None:
        mine = Payment.objects.filter(agency=event.agency_id, merchant__isnull=False)
    kind = thing.get("object")
    intent_id = (
        thing.get("id") if kind == "payment_intent" else thing.get("payment_intent")
    )
    session_id = thing.get("id") if kind == "checkout.session" else None
    for name, value in (
        ("payment_intent_id", intent_id),
        ("checkout_session_id", session_id),
    ):
        if value and (found := mine.filter(**{name: value}).first()):
            return found
    try:
        key = UUID(str((thing.get("metadata") or {}).get("payment_id")))
    except ValueError:
        return None
    with transaction.atomic():
        payment = mine.select_for_update(no_key=True).filter(pk=key).first()
        if payment is None:
            return None
        # `sync_payment` reads both from Stripe, under the key of this very account.
        if session_id and not payment.checkout_session_id:
            payment.checkout_session_id = session_id
        elif intent_id and not payment.payment_intent_id:
            payment.payment_intent_id = intent_id
        payment.save(update_fields=["checkout_session_id", "payment_intent_id"])
    return payment


def handle_due_events(now: datetime) -> int:
    """Handle events whose task was lost or got no answer; return how many."""
    with all_organizations("an event is handled whoever it is about"):
        due = list(
            StripeEvent.objects.filter(
                handled_at__isnull=True,
                received_at__lt=now - timedelta(seconds=30),
                tries__lt=MOST_TRIES,
            )
            .order_by("received_at")
            .values_list("pk", flat=True)[:50]
        )
    for event_id in due:
        # One event must not keep the others from being handled.
        with contained(logger, "stripe event not handled", event=str(event_id)):
            handle_event(event_id)
    return len(due)
