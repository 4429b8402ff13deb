"""The statement, live and as CSV."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from billing.alerts import outlook_of
from billing.forms import StatementFilterForm
from billing.ledger import wallet_balance, wallet_balances
from billing.lots import lots_of
from billing.queries import month_period, read_statement
from billing.statement_csv import statement_csv
from billing.statement_pdf import statement_pdf
from billing.views.tabs import credit_tabs
from portal.http import MemberRequest
from portal.models import Organization
from portal.permissions import Permission, requires
from portal.scope import agency_scope


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
        "tabs": credit_tabs(request, "billing_statement"),
        "lots": lots_of(organization),
        "outlook": outlook_of(organization, timezone.now()),
        "month": f"{timezone.localdate():%Y-%m}",
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
    return HttpResponse(
        statement_csv(
            request.organization, **StatementFilterForm(request.GET).chosen()
        ),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="statement.csv"'},
    )


@require_GET
@requires(Permission.BILLING_READ)
def billing_statement_pdf(request: MemberRequest) -> HttpResponse:
    """A month of the statement as PDF, under the portal's brand."""
    organization = request.organization
    period = month_period(request.GET.get("month", ""), timezone.localdate())
    name = f"statement-{period.first_day:%Y-%m}.pdf"
    return HttpResponse(
        statement_pdf(organization, request.portal, period),
        content_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _clients(agency: Organization) -> list[dict[str, object]]:
    """Return the clients of an agency with what they have left."""
    with agency_scope(agency.pk):
        clients = list(Organization.objects.filter(parent=agency))
        balances = wallet_balances([client.pk for client in clients])
    return [{"client": client, "balance": balances[client.pk]} for client in clients]
