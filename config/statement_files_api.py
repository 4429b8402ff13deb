"""Statements and receipts over REST, as the files a bookkeeper files."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from django.http import Http404, HttpResponse
from ninja import Query, Router
from pydantic import BaseModel, Field

from billing.models import Payment
from billing.receipts import receipt_pdf
from billing.statement_csv import statement_csv
from billing.statement_pdf import statement_pdf
from config.billing_api import Month, MonthWanted, chosen_month
from portal.api.access import api_requires
from portal.http import KeyRequest
from portal.models import Organization, Portal
from portal.permissions import Permission

router = Router(tags=["Billing"])


class LinesWanted(BaseModel):
    month: Month | None = None
    kind: str = Field("", pattern="^(|call|grant|other)$")


@router.get("/statement.pdf")
@api_requires(Permission.BILLING_READ)
def download_statement_pdf(
    request: KeyRequest, wanted: Annotated[MonthWanted, Query()]
) -> HttpResponse:
    """A month of the statement as PDF under the portal's brand, this one by default."""
    organization = request.organization
    period = chosen_month(wanted.month or "")
    return _file(
        statement_pdf(organization, _portal_of(organization), period),
        "application/pdf",
        f"statement-{period.first_day:%Y-%m}.pdf",
    )


@router.get("/statement.csv")
@api_requires(Permission.BILLING_READ)
def download_statement_csv(
    request: KeyRequest, wanted: Annotated[LinesWanted, Query()]
) -> HttpResponse:
    """Every line of a month as CSV, this one by default; credits with all decimals."""
    period = chosen_month(wanted.month or "")
    return _file(
        statement_csv(request.organization, period=period, kind=wanted.kind).encode(),
        "text/csv; charset=utf-8",
        f"statement-{period.first_day:%Y-%m}.csv",
    )


@router.get("/payments/{uuid:payment_id}/receipt.pdf")
@api_requires(Permission.BILLING_READ)
def download_receipt(request: KeyRequest, payment_id: UUID) -> HttpResponse:
    """The receipt of a payment that came, as PDF in the seller's name."""
    organization = request.organization
    payment = (
        Payment.objects.select_related("organization")
        .filter(pk=payment_id, organization=organization)
        .first()
    )
    if payment is None or not payment.receipt_number:
        raise Http404("There is no receipt of such a payment.")
    return _file(
        receipt_pdf(payment, _portal_of(organization)),
        "application/pdf",
        f"receipt-{payment.receipt_number}.pdf",
    )


def _file(content: bytes, kind: str, name: str) -> HttpResponse:
    return HttpResponse(
        content,
        content_type=kind,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _portal_of(organization: Organization) -> Portal | None:
    return Portal.objects.filter(agency_id=organization.agency_id).first()
