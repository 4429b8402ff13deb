"""The Stripe account an agency's clients pay into."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from billing.errors import PaymentError, PaymentRefused, PaymentsNotReady
from billing.models import StripeAccount
from billing.payments import account_setup
from billing.payments.events import ENDPOINT_EVENTS
from billing.payments.merchant import account_in_use
from billing.selling_forms import StripeKeyForm, TaxForm
from billing.views.tabs import selling_tabs
from portal.http import MemberRequest
from portal.permissions import Permission, requires
from portal.sudo import sudo


@require_GET
@requires(Permission.BILLING_SELL)
def selling_stripe(request: MemberRequest) -> HttpResponse:
    """How clients pay, what tax is added, and what stands on receipts."""
    try:
        account_setup.check_connected(agency=request.organization)
    except PaymentError:
        messages.error(request, _("Stripe did not answer. Try again in a moment."))
    return _page(request, StripeKeyForm(), _tax_form(request, None))


@require_POST
@requires(Permission.BILLING_SELL)
@sudo
def selling_stripe_key(request: MemberRequest) -> HttpResponse:
    """Keep the agency's own key, once Stripe took it."""
    form = StripeKeyForm(request.POST)
    if form.is_valid():
        try:
            account_setup.save_own_key(
                agency=request.organization, actor=request.user, **form.cleaned_data
            )
        except PaymentRefused as refusal:
            form.add_error("secret_key", str(refusal))
        except PaymentError:
            form.add_error(None, _("Stripe did not answer. Try again in a moment."))
        else:
            messages.success(request, _("Stripe took the key."))
            return redirect("selling_stripe")
    return _page(request, form, _tax_form(request, None))


@require_POST
@requires(Permission.BILLING_SELL)
@sudo
def selling_stripe_tax(request: MemberRequest) -> HttpResponse:
    """Keep currency, tax and the seller's name for payments from now on."""
    form = _tax_form(request, request.POST)
    if not form.is_valid():
        return _page(request, StripeKeyForm(), form)
    account_setup.save_tax(
        agency=request.organization, values=form.cleaned_data, actor=request.user
    )
    messages.success(request, _("Saved."))
    return redirect("selling_stripe")


@require_POST
@requires(Permission.BILLING_SELL)
@sudo
def selling_stripe_connect(request: MemberRequest) -> HttpResponse:
    """Go to Stripe to connect an account."""
    back = request.build_absolute_uri("/selling/stripe/")
    try:
        address = account_setup.begin_connecting(agency=request.organization, back=back)
    except PaymentsNotReady:
        messages.error(request, _("Accounts cannot be connected on this installation."))
    except PaymentError:
        messages.error(request, _("Stripe did not answer. Try again in a moment."))
    else:
        return HttpResponseRedirect(address, status=303)
    return redirect("selling_stripe")


@require_POST
@requires(Permission.BILLING_SELL)
@sudo
def selling_stripe_disconnect(request: MemberRequest) -> HttpResponse:
    """Take no further payments and forget the key."""
    try:
        account_setup.disconnect(agency=request.organization, actor=request.user)
    except PaymentRefused:
        messages.error(
            request,
            _("Somebody is about to pay. Disconnect when it is paid or has expired."),
        )
    else:
        messages.success(request, _("Disconnected. Nothing can be bought for now."))
    return redirect("selling_stripe")


def _tax_form(request: MemberRequest, data: Any) -> TaxForm:
    account = account_in_use(request.organization.pk)
    initial: dict[str, Any] = {"tax": StripeAccount.Tax.NONE, "tax_label": "VAT"}
    if account is not None:
        initial = {
            name: getattr(account, name)
            for name in (
                "currency",
                "tax",
                "tax_label",
                "seller_name",
                "seller_address",
                "seller_tax_id",
            )
        }
        if account.tax_basis_points:
            initial["tax_percent"] = f"{account.tax_basis_points / 100:g}"
    return TaxForm(data, initial=initial)


def _page(
    request: MemberRequest, form: StripeKeyForm, tax_form: TaxForm
) -> HttpResponse:
    context = {
        "tabs": selling_tabs(request, "selling_stripe"),
        "account": account_in_use(request.organization.pk),
        "earlier": StripeAccount.objects.filter(
            organization=request.organization, retired_at__isnull=False
        ),
        "form": form,
        "tax_form": tax_form,
        "can_connect": bool(
            settings.STRIPE_SECRET_KEY and settings.STRIPE_CONNECT_WEBHOOK_SECRET
        ),
        "webhook_url": account_setup.webhook_address(request.organization),
        "events": ENDPOINT_EVENTS,
    }
    status = 422 if form.errors or tax_form.errors else 200
    return render(request, "selling/stripe.html", context, status=status)
