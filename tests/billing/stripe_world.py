"""A client whose agency has a Stripe account at the local server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.test import Client
from django.urls import reverse

from billing.models import CreditPackage, Payment, StripeAccount, StripeEvent
from billing.payments import checkout
from billing.payments.events import handle_event
from portal.models import Organization, Portal
from portal.scope import all_organizations, organization_scope
from tests.billing.books import CREDIT
from tests.fakes.stripe_server import StripeServer

SECRET = "whsec_acme"
KEY = "rk_test_acme"


def open_till(agency: Organization, **values: Any) -> StripeAccount:
    """Let an agency's clients pay, by its own key."""
    with organization_scope(agency):
        return StripeAccount.objects.create(
            organization=agency,
            secret_key=KEY,
            key_hint="acme",
            webhook_secret=SECRET,
            is_ready=True,
            **values,
        )


def put_on_offer(agency: Organization, **values: Any) -> CreditPackage:
    with organization_scope(agency):
        return CreditPackage.objects.create(
            organization=agency,
            **{
                "name": "Hundred",
                "credits_microcredits": 100 * CREDIT,
                "bonus_microcredits": 10 * CREDIT,
                "price_cents": 4000,
                **values,
            },
        )


@dataclass
class Till:
    """One client buying one package."""

    stripe: StripeServer
    client: Organization
    package: CreditPackage

    def order(self) -> checkout.Order:
        return checkout.order_of(
            self.package, Payment.Purpose.PACKAGE, "dora@bakery.example"
        )

    def begin(self) -> Payment:
        """Open a payment and Stripe's page for it."""
        with organization_scope(self.client):
            payment = checkout.open_payment(
                payer=self.client, order=self.order(), actor=None
            )
            checkout.checkout_url(payment.pk)
            return self.read(payment)

    def read(self, payment: Payment) -> Payment:
        with organization_scope(self.client):
            return Payment.objects.get(pk=payment.pk)

    def post(self, event: dict[str, Any], secret: str = SECRET) -> int:
        """Deliver an event to the portal's endpoint, as Stripe does."""
        body, signature = self.stripe.deliver(event, secret)
        portal = Portal.objects.get(agency=self.client.agency_id)
        browser = Client(headers={"host": f"{portal.slug}.localhost"})
        answer = browser.post(
            reverse("stripe_webhook"),
            body,
            content_type="application/json",
            headers={"Stripe-Signature": signature},
        )
        return answer.status_code

    def work(self) -> None:
        """Do what the worker does with events that came."""
        with all_organizations("test"):
            waiting = list(
                StripeEvent.objects.filter(handled_at=None).values_list("pk", flat=True)
            )
        for event_id in waiting:
            handle_event(event_id)
