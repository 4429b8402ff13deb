"""The REST API: routers of every app, and errors in one shape."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from assistants.api import router as assistants
from billing.errors import NotEnoughCredits
from calls.api import router as calls, web_router as web_calls
from calls.errors import CallNotActive, CallRefused, NoCapacity, TooManyCalls
from portal.api.access import api_public
from portal.api.errors import InvalidRequest, error_response, param_path

api = NinjaAPI(title="Voice API", version="1.0.0", docs_url=None, openapi_url=None)
api.add_router("/assistants", assistants)
api.add_router("/agents", assistants, url_name_prefix="agents")
api.add_router("/calls", calls)
api.add_router("/web-calls", web_calls)


@api.get("/health")
@api_public
def health(request: HttpRequest) -> dict[str, Any]:
    """Whether the API answers."""
    return {"status": "ok", "timestamp": timezone.now(), "version": "1.0.0"}


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    first = error.errors[0]
    # The framework puts where it looked (body, query, …) and the argument's name first.
    where, *rest = first["loc"]
    location = rest[1:] if where in ("body", "query") and len(rest) > 1 else rest
    code = "missing_field" if first["type"] == "missing" else "invalid_request"
    return error_response(
        code, first["msg"], status=400, param=param_path(tuple(location)) or None
    )


@api.exception_handler(InvalidRequest)
def _refused_field(request: HttpRequest, error: InvalidRequest) -> HttpResponse:
    return error_response("invalid_request", str(error), status=400, param=error.param)


@api.exception_handler(Http404)
def _absent(request: HttpRequest, error: Http404) -> HttpResponse:
    return error_response(
        "not_found", str(error) or "There is no such thing.", status=404
    )


@api.exception_handler(PermissionDenied)
def _forbidden(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
    return error_response("forbidden", "This key may not do that.", status=403)


@api.exception_handler(NotEnoughCredits)
def _unpaid(request: HttpRequest, error: NotEnoughCredits) -> HttpResponse:
    return error_response("insufficient_credits", str(error), status=402)


@api.exception_handler(CallRefused)
def _call_refused(request: HttpRequest, error: CallRefused) -> HttpResponse:
    status = {TooManyCalls: 429, NoCapacity: 503}.get(type(error), 409)
    return error_response(error.code, str(error), status=status)


@api.exception_handler(CallNotActive)
def _call_over(request: HttpRequest, error: CallNotActive) -> HttpResponse:
    return error_response("call_not_active", "The call is not going on.", status=400)


@api.exception_handler(HttpError)
def _malformed(request: HttpRequest, error: HttpError) -> HttpResponse:
    return error_response("invalid_request", str(error), status=error.status_code)


# Mounted on portals and on the operator's host alike.
api_urls = api.urls
