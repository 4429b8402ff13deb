"""The saved card, which Stripe keeps and a person changes on Stripe's own page."""

from __future__ import annotations

from billing.payments import effects
from billing.payments.calls_to_stripe import asking_stripe
from billing.payments.checkout import customer_of
from billing.payments.merchant import merchant_for
from portal.models import Organization
from portal.scope import agency_scope


def portal_address(payer: Organization) -> str:
    """Return Stripe's page where the payer changes its card and finds its invoices."""
    with agency_scope(payer.agency_id):
        merchant = merchant_for(payer)
        customer = customer_of(payer, merchant)
        with asking_stripe():
            session = merchant.api.billing_portal.sessions.create(
                params={
                    "customer": customer.customer_id,
                    "return_url": effects.page_address(payer, "billing_payments"),
                }
            )
    return str(session.url)
