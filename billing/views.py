"""The statement, and the credits an agency gives its clients."""

from __future__ import annotations

import csv
import io
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from billing.errors import IdempotencyConflict
from billing.forms import GrantForm, StatementFilterForm
from billing.grants import grant_credits
from billing.ledger import wallet_balance, wallet_balances
from billing.queries import every_line, read_statement
from common.money import format_credits
from portal.http import MemberRequest
from portal.models import Organization, User
from portal.permissions import Permission, requires
from portal.scope import agency_scope

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@require_GET
@requires(Permission.BILLING_READ)
def billing_statement(request: MemberRequest) -> HttpResponse:
    """What came in, what went out, and what was left after each line."""
    form = StatementFilterForm(request.GET or None)
    organization = request.organization
    before = request.GET.get("before", "")
    context = {
        "form": form,
        "balance": wallet_balance(organization),
        "statement": read_statement(
            organization,
            before=int(before) if before.isdecimal() and len(before) < 19 else None,
            **form.chosen(),
        ),
        "is_filtered": any(form[name].value() for name in form.fields),
        "is_later_page": bool(before),
        "is_agency": organization.is_agency,
        "clients": _clients(organization) if organization.is_agency else [],
        "can_grant": Permission.BILLING_GRANT in request.permissions,
        "zone": ZoneInfo(organization.time_zone),
    }
    template = "billing/statement.html"
    if request.htmx and not request.htmx.boosted:
        template += "#rows"
    return render(request, template, context)


@require_GET
@requires(Permission.BILLING_READ)
def billing_statement_csv(request: MemberRequest) -> HttpResponse:
    """Every line of the chosen period as CSV; credits with all their decimals."""
    organization = request.organization
    zone = ZoneInfo(organization.time_zone)
    text = io.StringIO()
    rows = csv.writer(text)
    heading = ["time", "what", "call", "seconds", "credits", "balance", "note"]
    if organization.is_agency:
        heading += ["client", "client_paid", "margin"]
    rows.writerow(heading)
    for line in every_line(organization, **StatementFilterForm(request.GET).chosen()):
        row = [
            line.at.astimezone(zone).isoformat(),
            "call" if line.is_call else "credits added",
            line.call_id or "",
            "" if line.seconds is None else line.seconds,
            format_credits(line.amount_microcredits),
            format_credits(line.balance_microcredits),
            _harmless(line.memo),
        ]
        if organization.is_agency:
            row += [
                _harmless(line.client_name),
                _credits(line.paid_microcredits),
                _credits(line.margin_microcredits),
            ]
        rows.writerow(row)
    return HttpResponse(
        text.getvalue(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="statement.csv"'},
    )


@require_http_methods(["GET", "POST"])
@requires(Permission.BILLING_GRANT)
def billing_grant(request: MemberRequest, client_id: UUID) -> HttpResponse:
    """Give credits to a client of the agency; once, however often it is sent."""
    with agency_scope(request.organization.agency_id):
        client = Organization.objects.filter(
            pk=client_id, parent=request.organization
        ).first()
        if client is None:
            raise Http404
        form = GrantForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            assert isinstance(request.user, User)
            try:
                grant_credits(
                    organization=client,
                    amount_microcredits=form.cleaned_data["amount"],
                    idempotency_key=str(form.cleaned_data["key"]),
                    memo=form.cleaned_data["memo"],
                    actor=request.user,
                )
            except IdempotencyConflict:
                form.add_error(
                    None, _("This form was sent before. Open it again to add more.")
                )
            else:
                messages.success(
                    request,
                    _("%(name)s received %(credits)s credits.")
                    % {
                        "name": client.name,
                        "credits": format_credits(form.cleaned_data["amount"]),
                    },
                )
                return redirect("billing_statement")
        context = {"form": form, "client": client, "balance": wallet_balance(client)}
    status = 422 if form.errors else 200
    return render(request, "billing/grant.html", context, status=status)


def _clients(agency: Organization) -> list[dict[str, object]]:
    """Return the clients of an agency with what they have left."""
    with agency_scope(agency.pk):
        clients = list(Organization.objects.filter(parent=agency))
        balances = wallet_balances([client.pk for client in clients])
    return [{"client": client, "balance": balances[client.pk]} for client in clients]


def _credits(microcredits: int | None) -> str:
    return "" if microcredits is None else format_credits(microcredits)


def _harmless(text: str) -> str:
    """Keep a spreadsheet from running a note as a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
