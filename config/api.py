"""The REST API: routers of every app, and errors in one shape."""

from __future__ import annotations

from datetime import datetime
from time import perf_counter
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from pydantic import BaseModel

from assistants.api import router as assistants, voices
from assistants.byok_api import router as byok
from assistants.draft_api import router as drafts
from assistants.mcp_api import router as mcp_servers
from assistants.sovereignty import OutsideRegion
from assistants.templates_api import analyses, tools
from billing.errors import NotEnoughCredits, PaymentsNotReady
from calls.api import (
    call_recordings,
    calls,
    data_flows,
    numbers,
    prices,
    proposals,
    recordings,
    samples,
    sip_trunks,
    text_chats,
    usage,
    web_calls,
    widgets,
)
from calls.errors import CallNotActive, CallRefused, NoCapacity, TooManyCalls
from campaigns.api import router as campaigns
from campaigns.comparing_api import router as comparisons
from campaigns.errors import CampaignError
from campaigns.imports_api import router as lead_imports
from campaigns.limits_api import router as calling_limits
from campaigns.lists_api import router as saved_lists
from campaigns.registers_api import router as registers
from campaigns.reports_api import router as campaign_reports
from campaigns.suppression_api import router as suppressions
from campaigns.templates_api import router as campaign_templates
from config.billing_api import router as billing
from config.clients.api import router as clients
from config.clients.calling_api import router as client_calling
from config.clients.library_api import router as client_library
from config.clients.notes_api import router as client_notes
from config.clients.sign_ups_api import router as sign_ups
from config.cockpit.api import router as cockpit
from config.organizations_api import account, router as organizations
from config.payments_api import router as payments
from config.portal_api import portal
from config.selling_api import router as selling
from config.statement_files_api import router as statement_files
from config.subjects.api import router as subjects
from config.wallet_api import router as wallet
from portal.api.access import api_public
from portal.api.audit import router as audit_records
from portal.api.body import BodyParser
from portal.api.domains import router as domains
from portal.api.errors import (
    Conflict,
    InvalidRequest,
    LinkExpired,
    LiveKeyNeeded,
    VendorFailed,
    error_response,
    invalid_request,
)
from portal.api.keys import router as api_keys
from portal.api.limits import RateExceeded
from portal.api.mail import mails_router as mails, sender_router as mail_sender
from portal.api.members import invitations, members
from portal.api.pictures import router as pictures
from portal.api.portal_domains import router as portal_domains
from portal.api.privacy import router as privacy
from portal.api.sign_in import router as sign_in
from portal.api.visits import router as visits
from portal.api.webhooks import (
    deliveries_router as webhook_deliveries,
    router as webhooks,
)
from portal.limits import PlanLimit

VERSION = "1.0.0"
RETRY_A_CALL_AFTER_S = 5
# Which field of a body says what a call is refused for.
_AT_FAULT = {
    "assistant_not_ready": ("assistant_id", "agent_id"),
    "destination_not_allowed": ("destination", "phone_number"),
}

api = NinjaAPI(
    title="Voice API",
    version=VERSION,
    docs_url=None,
    openapi_url=None,
    parser=BodyParser(),
)
api.add_router("/assistants", assistants)
api.add_router("/assistants", drafts)
api.add_router("/assistants", widgets)
api.add_router("/assistants", prices)
api.add_router("/assistants", proposals)
api.add_router("/assistants", data_flows)
api.add_router("/assistants", text_chats)
api.add_router("/agents", assistants, url_name_prefix="agents")
api.add_router("/calls", calls)
api.add_router("/calls", call_recordings)
api.add_router("/web-calls", web_calls)
api.add_router("/recordings", recordings)
api.add_router("/numbers", numbers)
api.add_router("/sip-trunks", sip_trunks)
api.add_router("/usage", usage)
api.add_router("/campaigns", campaigns)
api.add_router("/campaigns", comparisons)
api.add_router("/campaigns", lead_imports)
api.add_router("/campaigns", campaign_reports)
api.add_router("/campaign-templates", campaign_templates)
api.add_router("/suppressions", suppressions)
api.add_router("/registers", registers)
api.add_router("/saved-lists", saved_lists)
api.add_router("/calling-limits", calling_limits)
api.add_router("/voices", voices)
api.add_router("/voices", samples)
api.add_router("/byok", byok)
api.add_router("/mcp-servers", mcp_servers)
api.add_router("/tool-templates", tools)
api.add_router("/analysis-templates", analyses)
api.add_router("/organizations", organizations)
api.add_router("/organizations", clients)
api.add_router("/organizations", cockpit)
api.add_router("/organizations", client_calling)
api.add_router("/organizations", client_library)
api.add_router("/organizations", client_notes)
api.add_router("/sign-ups", sign_ups)
api.add_router("/account", account)
api.add_router("/portal", portal)
api.add_router("/portal", portal_domains)
api.add_router("/portal", pictures)
api.add_router("/domains", domains)
api.add_router("/mail-sender", mail_sender)
api.add_router("/mails", mails)
api.add_router("/members", members)
api.add_router("/invitations", invitations)
api.add_router("/sign-in", sign_in)
api.add_router("/visits", visits)
api.add_router("/api-keys", api_keys)
api.add_router("/audit-records", audit_records)
api.add_router("/privacy", privacy)
api.add_router("/subjects", subjects)
api.add_router("/webhook-endpoints", webhooks)
api.add_router("/webhook-deliveries", webhook_deliveries)
api.add_router("/billing", billing)
api.add_router("/billing", payments)
api.add_router("/billing", wallet)
api.add_router("/billing", statement_files)
api.add_router("/selling", selling)


class DatabaseCheck(BaseModel):
    status: str
    latency_ms: float


class Checks(BaseModel):
    database: DatabaseCheck


class Health(BaseModel):
    status: str
    timestamp: datetime
    version: str
    checks: Checks


@api.get("/health", response=Health)
@api_public
def health(request: HttpRequest) -> dict[str, Any]:
    """Whether the API and its database answer."""
    started = perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("select 1")
    latency_ms = round((perf_counter() - started) * 1000, 1)
    return {
        "status": "ok",
        "timestamp": timezone.now(),
        "version": VERSION,
        "checks": {"database": {"status": "ok", "latency_ms": latency_ms}},
    }


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    # The framework puts where it looked (body, query, …) and the argument's name first.
    errors = [
        {**one, "loc": one["loc"][2 if len(one["loc"]) > 1 else 1 :]}
        if one["loc"][0] == "body"
        else {**one, "loc": one["loc"][-1:]}
        for one in error.errors
    ]
    value = getattr(request, "api_body", None)
    return _refused_field(request, invalid_request(errors, value))


@api.exception_handler(InvalidRequest)
def _refused_field(request: HttpRequest, error: InvalidRequest) -> HttpResponse:
    return error_response(
        error.code, str(error), param=error.param, details=error.details
    )


@api.exception_handler(OutsideRegion)
def _outside_region(request: HttpRequest, error: OutsideRegion) -> HttpResponse:
    first = error.faults[0]
    details = [f"{fault.param}: {fault.message}" for fault in error.faults]
    return error_response(
        "region_not_allowed", first.message, param=first.param, details=details
    )


@api.exception_handler(Http404)
def _absent(request: HttpRequest, error: Http404) -> HttpResponse:
    return error_response("not_found", str(error) or "There is no such thing.")


@api.exception_handler(PlanLimit)
def _as_much_as_it_may(request: HttpRequest, error: PlanLimit) -> HttpResponse:
    return error_response("plan_limit", str(error))


@api.exception_handler(PermissionDenied)
def _forbidden(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
    return error_response("forbidden", str(error) or "This key may not do that.")


@api.exception_handler(NotEnoughCredits)
def _unpaid(request: HttpRequest, error: NotEnoughCredits) -> HttpResponse:
    # Whose credits are gone is the agency's business, not its client's.
    message = (
        "Not enough credits. Add credits, then try again."
        if error.owner == "organization"
        else "Calls are not available right now. Contact support."
    )
    return error_response("insufficient_credits", message)


def _sent_of(request: HttpRequest, *names: str) -> str | None:
    """Return the first of these fields that the body has: one had several names."""
    body = getattr(request, "api_body", None)
    sent = body if isinstance(body, dict) else {}
    return next((name for name in names if name in sent), None)


@api.exception_handler(CallRefused)
def _call_refused(request: HttpRequest, error: CallRefused) -> HttpResponse:
    is_passing = isinstance(error, TooManyCalls | NoCapacity)
    return error_response(
        error.code,
        str(error),
        param=_sent_of(request, *_AT_FAULT.get(error.code, ())),
        retry_after_s=RETRY_A_CALL_AFTER_S if is_passing else None,
    )


@api.exception_handler(CallNotActive)
def _call_over(request: HttpRequest, error: CallNotActive) -> HttpResponse:
    return error_response("call_not_active", "The call is not going on.")


@api.exception_handler(Conflict)
def _conflict(request: HttpRequest, error: Conflict) -> HttpResponse:
    return error_response("conflict", str(error), param=error.param)


@api.exception_handler(CampaignError)
def _campaign_not_ready(request: HttpRequest, error: CampaignError) -> HttpResponse:
    return error_response("campaign_not_ready", str(error), param=error.param)


@api.exception_handler(LinkExpired)
def _expired(request: HttpRequest, error: LinkExpired) -> HttpResponse:
    return error_response("link_expired", str(error))


@api.exception_handler(LiveKeyNeeded)
def _only_a_test(request: HttpRequest, error: LiveKeyNeeded) -> HttpResponse:
    return error_response("test_key", str(error))


@api.exception_handler(VendorFailed)
def _vendor_failed(request: HttpRequest, error: VendorFailed) -> HttpResponse:
    return error_response("vendor_failed", str(error))


@api.exception_handler(PaymentsNotReady)
def _nothing_for_sale(request: HttpRequest, error: PaymentsNotReady) -> HttpResponse:
    return error_response("payments_not_ready", "Nothing can be bought here yet.")


@api.exception_handler(RateExceeded)
def _too_often(request: HttpRequest, error: RateExceeded) -> HttpResponse:
    return error_response(
        "rate_limit_exceeded", str(error), retry_after_s=error.retry_after_s
    )


@api.exception_handler(HttpError)
def _malformed(request: HttpRequest, error: HttpError) -> HttpResponse:
    return error_response("invalid_request", str(error))


# Mounted on portals and on the operator's host alike. The framework's own page at the
# root would lead to its documentation pages, which are switched off.
_patterns, _app_name, _namespace = api.urls
api_urls = (
    [pattern for pattern in _patterns if getattr(pattern, "name", "") != "api-root"],
    _app_name,
    _namespace,
)
