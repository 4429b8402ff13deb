"""Everything under `/api/`: key, scope, rate limit, and one shape of error.

The API framework answers 404 and 405 in its own words before its error handlers run,
so the shape is made whole here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from portal.api.errors import error_response
from portal.api.limits import Allowance, count_request
from portal.http import PortalRequest
from portal.models import APIKey, Role
from portal.permissions import ROLE_PERMISSIONS
from portal.scope import organization_scope
from portal.services.api_keys import find_key

logger = logging.getLogger(__name__)
_PREFIX = "/api/"
_OPEN = frozenset({"/api/v1/health", "/api/openapi.json", "/api/docs"})


class ApiMiddleware:
    """Let API requests in by key; leave every other request alone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: PortalRequest) -> HttpResponseBase:
        if not request.path.startswith(_PREFIX):
            return self.get_response(request)
        if request.path in _OPEN:
            return _shaped(self.get_response(request))
        key = _key_of(request)
        if key is None:
            return error_response(
                "unauthorized", "Invalid or missing API key.", status=401
            )
        allowance = count_request(key.pk)
        if allowance.is_exceeded:
            seconds = allowance.retry_after_s
            response: HttpResponseBase = error_response(
                "rate_limit_exceeded",
                f"Too many requests. Please retry after {seconds} seconds.",
                status=429,
            )
            response["Retry-After"] = str(seconds)
        else:
            response = self._answer(request, key)
        return _counted(response, allowance)

    def _answer(self, request: PortalRequest, key: APIKey) -> HttpResponseBase:
        request.api_key = key  # type: ignore[attr-defined]
        request.organization = key.organization  # type: ignore[attr-defined]
        request.permissions = ROLE_PERMISSIONS[Role.ADMIN]  # type: ignore[attr-defined]
        with organization_scope(key.organization):
            return _shaped(self.get_response(request))


def _key_of(request: PortalRequest) -> APIKey | None:
    """Return the key of the Bearer header, if it may be used on this host."""
    scheme, _space, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not text.strip() or len(text) > 200:
        return None
    key = find_key(text.strip())
    if key is None or (request.portal and request.portal.agency_id != key.agency_id):
        return None
    return key


def _counted(response: HttpResponseBase, allowance: Allowance) -> HttpResponseBase:
    response["X-RateLimit-Limit"] = str(allowance.limit)
    response["X-RateLimit-Remaining"] = str(allowance.remaining)
    response["X-RateLimit-Reset"] = str(allowance.reset_at)
    return response


def _shaped(response: HttpResponseBase) -> HttpResponseBase:
    """Give an error that is not ours the documented body."""
    if response.get("Content-Type", "").startswith("application/json"):
        return response
    if response.status_code == 404:
        return error_response(
            "not_found", "There is nothing at this address.", status=404
        )
    if response.status_code == 405:
        answer = error_response(
            "method_not_allowed", "This address does not take this method.", status=405
        )
        if "Allow" in response:
            answer["Allow"] = response["Allow"]
        return answer
    if response.status_code >= 500:
        return error_response(
            "internal_error", "Something broke on our side.", status=500
        )
    return response
