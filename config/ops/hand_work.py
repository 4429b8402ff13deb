"""What the operator's staff does with money: prices of the platform, credits by hand.

Each is a form over a service of `billing`; the second person a large sum needs is
another of the staff.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _, gettext_lazy

from billing.by_hand import (
    ByHand,
    Outcome,
    approval_limit,
    approve_request,
    do_by_hand,
    refuse_request,
    waiting_requests,
)
from billing.correcting import correctable, corrections_of
from billing.errors import IdempotencyConflict, NotYours
from billing.forms import GrantForm, credits_in
from billing.ledger import wallet_balance
from billing.models import GrantRequest, LedgerEntry, Mode, PlatformPrice
from billing.pricing import pool_tariff, set_platform_price
from billing.selling_forms import PlatformPriceForm
from common.local_numbers import local_credits
from config.ops.base import person
from portal.models import Organization

Context = dict[str, Any]
_SHOWN = 200


class CorrectionForm(forms.Form):
    """Whose credits an entry got wrong, and by how much; sent twice, it happens once."""

    organization = forms.ChoiceField(label=gettext_lazy("Whose credits"))
    amount = forms.CharField(
        label=gettext_lazy("Credits"),
        max_length=20,
        widget=forms.TextInput({"autocomplete": "off"}),
        help_text=gettext_lazy("12.5 gives credits back; -12.5 takes credits away."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=200,
        min_length=10,
        help_text=gettext_lazy("The organization reads it on its statement."),
    )
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    def __init__(self, *args: Any, touched: list[Organization], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.touched = {str(one.pk): one for one in touched}
        choice: Any = self.fields["organization"]
        choice.choices = [(key, one.name) for key, one in self.touched.items()]

    def clean_amount(self) -> int:
        text = self.cleaned_data["amount"].strip().replace("−", "-")
        if text.startswith("-"):
            return -credits_in(text[1:])
        return credits_in(text)


def platform_prices(request: HttpRequest, context: Context) -> HttpResponse:
    """What agencies pay, each version with its date, and the form that sets the next."""
    agencies = list(Organization.objects.filter(parent=None).order_by("name"))
    form = PlatformPriceForm(
        request.POST if request.method == "POST" else None, agencies=agencies
    )
    if request.method == "POST" and form.is_valid():
        set_platform_price(
            agency=form.agency_chosen(),
            terms=form.terms(),
            effective_at=form.effective_at(settings.TIME_ZONE),
            actor=person(request),
        )
        messages.success(request, _("The price is set."))
        return redirect("admin:platform_prices")
    now = timezone.now()
    rows = PlatformPrice.objects.select_related("agency", "set_by")
    shown = {
        "title": _("Platform prices"),
        "form": form,
        "prices": rows[:_SHOWN],
        "now": now,
        "standing": [
            (mode.label, pool_tariff(None, now, "", mode)) for mode in Mode if mode
        ],
    }
    return _page(request, "ops/platform_prices.html", context | shown, form)


def grants(request: HttpRequest, context: Context) -> HttpResponse:
    """What waits for a second person of the staff, and what was decided lately."""
    decided = GrantRequest.objects.filter(is_operators=True).exclude(
        state=GrantRequest.State.WAITING
    )
    shown = {
        "title": _("Credits by hand"),
        "waiting": waiting_requests(None, is_operators=True),
        "decided": decided.select_related("receiver", "asked_by", "decided_by")[:50],
        "limit": settings.OPERATOR_APPROVAL_CREDITS,
        "me": person(request).pk,
    }
    return render(request, "ops/grants.html", context | shown)


def decide(request: HttpRequest, request_id: UUID, decision: str) -> HttpResponse:
    """Approve what another of the staff asked for, or refuse it."""
    act = {"approve": approve_request, "refuse": refuse_request}.get(decision)
    if act is None or request.method != "POST":
        raise Http404
    try:
        done = act(request_id=request_id, actor=person(request), is_operators=True)
    except NotYours:
        messages.error(request, _("Another person approves what you asked for."))
    else:
        if not done:
            raise Http404
        messages.success(request, _("Done."))
    return redirect("admin:grants")


def grant(
    request: HttpRequest, context: Context, organization_id: UUID
) -> HttpResponse:
    """Give an agency's pool credits, with a reason; its clients get theirs from it."""
    receiver = get_object_or_404(Organization, pk=organization_id, parent=None)
    form = GrantForm(request.POST if request.method == "POST" else None)
    del form.fields["way"]  # the platform issues credits; it has no pool of its own
    form.fields["memo"].help_text = _("The organization reads it on its statement.")
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        wanted = ByHand(
            receiver,
            data["amount"],
            data["memo"],
            str(data["key"]),
            expires_at=form.expires_at(receiver.time_zone),
        )
        if outcome := _done(request, form, wanted):
            return _after(request, outcome)
    shown = {
        "title": _("Give credits"),
        "form": form,
        "whose": receiver,
        "balance": wallet_balance(receiver),
        "limit": approval_limit(receiver, is_operators=True),
    }
    return _page(request, "ops/grant.html", context | shown, form)


def correct(request: HttpRequest, context: Context, entry_id: UUID) -> HttpResponse:
    """Put right what an entry did, by another one that names it."""
    entry = get_object_or_404(
        LedgerEntry.objects.select_related("organization__parent"), pk=entry_id
    )
    form = CorrectionForm(
        request.POST if request.method == "POST" else None, touched=correctable(entry)
    )
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        wanted = ByHand(
            form.touched[data["organization"]],
            data["amount"],
            data["reason"],
            str(data["key"]),
            way=GrantRequest.Way.CORRECT,
            corrects=entry,
        )
        if outcome := _done(request, form, wanted):
            return _after(request, outcome)
    shown = {
        "title": _("Correct an entry"),
        "form": form,
        "entry": entry,
        "postings": entry.postings.select_related("account__organization").order_by(
            "pk"
        ),
        "corrections": corrections_of(entry.pk),
    }
    return _page(request, "ops/correct.html", context | shown, form)


def _done(request: HttpRequest, form: forms.Form, wanted: ByHand) -> Outcome | None:
    try:
        return do_by_hand(wanted, actor=person(request), is_operators=True)
    except IdempotencyConflict:
        form.add_error(None, _("This form was sent before. Open it again to add more."))
    return None


def _after(request: HttpRequest, outcome: Outcome) -> HttpResponse:
    """Show the entry, or where its request waits."""
    if outcome.entry is not None:
        messages.success(
            request,
            _("%(credits)s credits were posted.")
            % {"credits": local_credits(outcome.entry.microcredits_by_hand)},
        )
        return redirect("admin:billing_ledgerentry_change", outcome.entry.pk)
    messages.success(request, _("It waits for a second person."))
    return redirect("admin:grants")


def _page(
    request: HttpRequest, template: str, context: Context, form: forms.Form
) -> HttpResponse:
    return render(request, template, context, status=422 if form.errors else 200)
