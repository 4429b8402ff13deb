"""The receipt of a payment, in the seller's name."""

from __future__ import annotations

from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from billing.errors import PaymentsNotReady
from billing.models import Payment, StripeCustomer
from billing.paper import Paper
from billing.payments.merchant import Merchant, merchant_of_payment
from common.cash import format_cents
from portal.languages import paper_language
from portal.models import Portal
from portal.scope import agency_scope


def receipt_pdf(payment: Payment, portal: Portal | None) -> bytes:
    """Return the receipt as PDF: who sold what to whom, the tax, and what went back."""
    with translation.override(paper_language(portal)):
        return _drawn(payment, portal)


def _drawn(payment: Payment, portal: Portal | None) -> bytes:
    seller = _seller(payment)
    paper = Paper(portal, _("Receipt %(number)s") % {"number": payment.receipt_number})
    if seller is not None:
        lines = [seller.seller_name, seller.seller_address]
        if seller.seller_tax_id:
            lines.append(f"{seller.tax_label} {seller.seller_tax_id}")
        paper.text("\n".join(line for line in lines if line), muted=True, after=4)
    paper.text(payment.organization.name, size=10, font="Strong", after=1)
    if payment.decided_at is not None:
        paper.text(date_format(payment.decided_at, "DATE_FORMAT"), after=4)
    currency = payment.currency
    net = payment.paid_cents - payment.tax_cents
    label = seller.tax_label if seller is not None else _("VAT")
    rows = [
        [_("What"), _("Amount")],
        [str(payment.terms.get("name", "")), format_cents(net, currency)],
        [label, format_cents(payment.tax_cents, currency)],
        [_("Paid"), format_cents(payment.paid_cents, currency)],
    ]
    paper.table(rows, [132, 40], numeric=(1,), totals=1)
    if payment.refunded_cents:
        back = format_cents(payment.refunded_cents, currency)
        paper.text(_("Of this, %(amount)s went back.") % {"amount": back})
    card = StripeCustomer.objects.filter(organization=payment.organization_id).first()
    if card is not None and card.card_last_four:
        paper.text(
            _("Paid by card ending in %(digits)s.") % {"digits": card.card_last_four},
            muted=True,
        )
    return paper.bytes()


def _seller(payment: Payment) -> Merchant | None:
    with agency_scope(payment.agency_id):
        try:
            return merchant_of_payment(
                Payment.objects.select_related("merchant").get(pk=payment.pk).merchant
            )
        except PaymentsNotReady:
            return None
