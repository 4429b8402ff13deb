"""Everything under `/api/`: key, scope, rate limit, body, and one shape of error.

The API framework answers 404 and 405 in its own words before its error handlers run,
so the shape is made whole here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponseBase

from portal.api.body import METHODS, RefusedBody, check_value, parse_json, read_bytes
from portal.api.errors import error_response
from portal.api.idempotency import HEADER, answer_once
from portal.api.limits import Allowance, count_request, count_stranger, too_many
from portal.api.uploads import digests_of, read_form, takes_file
from portal.api_scopes import allowed
from portal.features import Feature, off_for, without
from portal.http import PortalRequest
from portal.models import APIKey, Organization, Portal, Role
from portal.permissions import permissions_of
from portal.proxy import client_address
from portal.scope import organization_scope
from portal.services.api_keys import KeyEnded, find_key
from portal.switching import is_on_for
from portal.trail import Origin, coming_from

_PREFIX: Final = "/api/"
# Where the documented host of browser calls has them.
_OLDER_WEB_CALLS: Final = "/v1/web-calls"
# The signature of a recording's link stands for a key.
_OPEN: Final = ("/api/v1/health", "/api/openapi.json", "/api/v1/recordings/")


class ApiMiddleware:
    """Let API requests in by key; leave every other request alone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: PortalRequest) -> HttpResponseBase:
        if request.path == _OLDER_WEB_CALLS:
            request.path = request.path_info = f"{_PREFIX}v1/web-calls"
        if not request.path.startswith(_PREFIX):
            return self.get_response(request)
        if request.path.startswith(_OPEN):
            return _shaped(self.get_response(request))
        try:
            key = _key_of(request)
        except KeyEnded as ended:
            return _refused_stranger(request, ended.code, str(ended))
        if key is None:
            return _refused_stranger(
                request, "unauthorized", "Invalid or missing API key."
            )
        allowance = count_request(key.pk, key.organization.api_rate_per_minute)
        if allowance.is_exceeded:
            return _exceeded(allowance)
        return _counted(self._answer(request, key), allowance)

    def _answer(self, request: PortalRequest, key: APIKey) -> HttpResponseBase:
        organization = key.organization
        request.api_key = key  # type: ignore[attr-defined]
        request.organization = organization  # type: ignore[attr-defined]
        held = permissions_of(Role(key.role), in_agency=organization.is_agency)
        off = off_for(organization)
        request.permissions = (  # type: ignore[attr-defined]
            without(held, off) & allowed(key.scopes)
        )
        if _is_archived(organization):
            return error_response("forbidden", "This organization is archived.")
        if not organization.is_agency and not _is_on(request.portal, organization):
            return error_response(
                "forbidden", "This portal is switched off at the moment."
            )
        if Feature.API in off:
            return error_response(
                "forbidden", "The API is switched off for this organization."
            )
        try:
            _read(request)
        except RefusedBody as refusal:
            return error_response(refusal.code, str(refusal), param=refusal.param)
        here = Origin(client_address(request), f"{key.name} {key.prefix}"[:80])
        with organization_scope(organization), coming_from(here):
            if request.method == "POST" and HEADER in request.headers:
                body = request.api_body  # type: ignore[attr-defined]
                if takes_file(request):
                    body = [body, digests_of(request)]
                return answer_once(
                    request, key, body, lambda: _shaped(self.get_response(request))
                )
            return _shaped(self.get_response(request))


def _is_on(portal: Portal | None, organization: Organization) -> bool:
    """Whether the organization's portal is on; the one of this host is known already."""
    if portal is not None and portal.agency_id == organization.agency_id:
        return portal.is_enabled
    return is_on_for(organization)


def _is_archived(organization: Organization) -> bool:
    """Whether it, or its agency, is put away: pages have nobody in it either."""
    houses = (organization, organization.parent)
    return any(one and one.status == one.Status.ARCHIVED for one in houses)


def _read(request: PortalRequest) -> None:
    """Check the query and read the body, as `api_body`; raise `RefusedBody`."""
    for name, values in request.GET.lists():
        check_value([name, *values], (name.replace("\0", ""),))
    if request.method not in METHODS:
        return
    if takes_file(request):
        request.api_body = read_form(request)  # type: ignore[attr-defined]
        return
    data = read_bytes(request)
    # What has been read is read again by the framework.
    request._body = data or b"{}"
    request.api_body = parse_json(  # type: ignore[attr-defined]
        data, request.headers.get("Content-Type", "")
    )


def _key_of(request: PortalRequest) -> APIKey | None:
    """Return the key of the Bearer header, if it may be used on this host."""
    scheme, _space, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not text.strip() or len(text) > 200:
        return None
    address = request.META.get("REMOTE_ADDR", "")
    key = find_key(text.strip(), address=address)
    if key is None or (request.portal and request.portal.agency_id != key.agency_id):
        return None
    return key


def _refused_stranger(
    request: HttpRequest, code: str, message: str
) -> HttpResponseBase:
    allowance = count_stranger(request.META.get("REMOTE_ADDR", ""))
    if allowance.is_exceeded:
        return _exceeded(allowance)
    response = error_response(code, message)
    response["WWW-Authenticate"] = "Bearer"
    return _counted(response, allowance)


def _exceeded(allowance: Allowance) -> HttpResponseBase:
    seconds = allowance.retry_after_s
    return _counted(
        error_response("rate_limit_exceeded", too_many(seconds), retry_after_s=seconds),
        allowance,
    )


def _counted(response: HttpResponseBase, allowance: Allowance) -> HttpResponseBase:
    for name, value in allowance.headers.items():
        response[name] = value
    return response


def _shaped(response: HttpResponseBase) -> HttpResponseBase:
    """Give an error that is not ours the documented body."""
    if response.get("Content-Type", "").startswith("application/json"):
        return response
    if response.status_code == 404:
        return error_response("not_found", "There is nothing at this address.")
    if response.status_code == 405:
        answer = error_response(
            "method_not_allowed", "This address does not take this method."
        )
        allowed = response.get("Allow", "").split(", ")
        answer["Allow"] = ", ".join(sorted(allowed))
        return answer
    if response.status_code == 416:
        outside = error_response(
            "range_not_satisfiable", "The range lies outside of the recording."
        )
        outside["Content-Range"] = response["Content-Range"]
        return outside
    if response.status_code >= 500:
        return error_response("internal_error", "Something broke on our side.")
    return response
