"""Host → portal → person → organization → scope, in that order, once a request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone, translation

from portal.api.errors import error_response
from portal.auth import SESSION_PORTAL, session_mark
from portal.brand import words_of
from portal.features import off_for, without
from portal.hosts import UnknownHost, bare_host, find_portal, portal_url
from portal.http import MemberRequest, PortalRequest, page_before
from portal.limits import PlanLimit
from portal.models import Membership, Organization, Role, User, Visit
from portal.permissions import NOT_FOR_VISITORS, READING, permissions_of
from portal.proxy import client_address
from portal.scope import organization_scope
from portal.services.visits import running_visit
from portal.switching import is_closed_to
from portal.trail import Origin, coming_from
from portal.visibility import seeing, sight_of
from portal.words import speaking

GetResponse = Callable[[HttpRequest], HttpResponseBase]
SESSION_ORGANIZATION = "organization"
SESSION_VISIT = "visit"
# Where a second factor is set up, and the page can wear the brand.
_WITHOUT_FACTOR: Final = ("/accounts/", "/brand", "/theme/", "/language/", "/static/")
_FOR_PROGRAMS: Final = ("/api/", "/v1/")
_HEALTH: Final = frozenset({"/healthz", "/readyz"})
_READING: Final = frozenset({"GET", "HEAD"})
_STAYS: Final = ("/api/", "/.well-known/", "/brand", "/static/")


class HostMiddleware:
    """Find the portal of the host; an unknown host gets a page that names nobody."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: PortalRequest) -> HttpResponseBase:
        try:
            request.portal = find_portal(request.get_host())
        except UnknownHost:
            if request.path.startswith("/api/"):
                return error_response("not_found", "Nothing answers at this host.")
            if request.path not in _HEALTH:
                return _nothing_here(request)
            request.portal = None
        if request.portal is None:
            request.urlconf = settings.OPERATOR_URLCONF
        elif (address := _canonical_address(request)) is not None:
            return redirect(address)
        return self.get_response(request)


def _nothing_here(request: PortalRequest) -> HttpResponseBase:
    """Say so in the visitor's language, and name nobody."""
    language = translation.get_language_from_request(request)
    with translation.override(language):
        context = {"language": language}
        return render(request, "404_unknown_host.html", context, status=404)


def _canonical_address(request: PortalRequest) -> str | None:
    """Return where a page is to be read instead: at the portal's own live domain.

    Only pages move: programs, files and forms are answered where they were sent.
    """
    portal = request.portal
    if portal is None or not portal.live_domain or request.method not in _READING:
        return None
    if bare_host(request.get_host()) == portal.live_domain:
        return None
    if request.path in _HEALTH or request.path.startswith(_STAYS):
        return None
    return portal_url(portal, request.get_full_path())


class SessionHostMiddleware:
    """End a session that was started at another portal.

    Browsers keep cookies apart by host; this refuses one that was carried over by hand.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: PortalRequest) -> HttpResponseBase:
        mark = request.session.get(SESSION_PORTAL)
        if mark is not None and mark != session_mark(request.portal):
            request.session.flush()
        return self.get_response(request)


class LanguageMiddleware:
    """Speak the person's language, else the one chosen in this browser, else the portal's.

    Where the portal leaves it to visitors, and on the operator's host, which has no
    portal, the browser's own list decides. Programs are always answered in English.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: MemberRequest) -> HttpResponseBase:
        language = self._language(request)
        # Programs read names of the API, whatever a portal calls them.
        is_program = request.path.startswith(_FOR_PROGRAMS)
        words = words_of(None if is_program else request.portal)
        with translation.override(language), speaking(words):
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        return response

    def _language(self, request: MemberRequest) -> str:
        if request.path.startswith(_FOR_PROGRAMS):
            return settings.LANGUAGE_CODE
        known = dict(settings.LANGUAGES)
        user: object = request.user
        for language in (
            user.language if isinstance(user, User) else "",
            request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, ""),
            request.portal.language if request.portal else "",
        ):
            if language in known:
                return language
        return translation.get_language_from_request(request)


class ScopeMiddleware:
    """Find the organization the person looks at and run the view inside its scope.

    Template responses are rendered inside it too: Django renders them before the
    response comes back through this middleware.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def process_exception(
        self, request: MemberRequest, error: Exception
    ) -> HttpResponseBase | None:
        """Say on the page people came from that they have as much as they may."""
        if not isinstance(error, PlanLimit) or request.path.startswith("/api/"):
            return None
        messages.error(request, str(error))
        return redirect(page_before(request))

    def __call__(self, request: MemberRequest) -> HttpResponseBase:
        if is_closed_to(request):
            assert request.portal is not None
            notice = {"notice": request.portal.disabled_notice}
            return render(request, "account/portal_off.html", notice, status=503)
        request.membership = None
        request.visit = None
        request.wants_second_factor = False
        request.organizations = []
        request.permissions = frozenset()
        here = Origin(address=client_address(request))
        if request.portal is None or not request.user.is_authenticated:
            with coming_from(here):
                return self.get_response(request)
        choose_organization(request)
        if request.membership is None or needs_second_factor(request):
            lacks_factor = request.membership is not None
            request.membership, request.permissions = None, frozenset()
            request.wants_second_factor = lacks_factor
            if lacks_factor and not request.path.startswith(_WITHOUT_FACTOR):
                return redirect("mfa_index")
            with coming_from(here):
                return self.get_response(request)
        if request.visit is not None:
            here = replace(here, visit_id=request.visit.pk)
        zone = ZoneInfo(request.organization.time_zone)
        with (
            organization_scope(request.organization),
            seeing(sight_of(request.membership)),
            timezone.override(zone),
            coming_from(here),
        ):
            return self.get_response(request)


def needs_second_factor(request: MemberRequest) -> bool:
    """Whether the organization wants a second factor that this person has not set up.

    What an agency asks of its own people holds for them inside its clients too.
    """
    membership = request.membership
    if membership is None:
        return False
    wants = request.organization.requires_second_factor or (
        request.visit is not None and membership.organization.requires_second_factor
    )
    return wants and not is_mfa_enabled(request.user)


def choose_organization(request: MemberRequest) -> None:
    """Set membership, organization and rights from the session's choice.

    Somebody who is no member of the chosen organization sees it only during a visit.
    Anyone else sees only where they are a member.
    """
    assert request.portal is not None
    agency_id = request.portal.agency_id
    memberships = list(
        Membership.objects.filter(user=request.user)
        .filter(Q(organization=agency_id) | Q(organization__parent=agency_id))
        .exclude(organization__status=Organization.Status.ARCHIVED)
        .select_related("organization", "organization__parent")
        .order_by("organization__parent_id", "organization__name")
    )
    request.organizations = [m.organization for m in memberships]
    by_organization = {m.organization_id: m for m in memberships}
    wanted = _session_id(request, SESSION_ORGANIZATION)
    chosen = by_organization.get(wanted) if wanted else None
    if chosen is None and _enter_as_visitor(request, by_organization.get(agency_id)):
        return
    if not memberships:
        return
    chosen = chosen or by_organization.get(agency_id) or memberships[0]
    _enter(request, chosen, chosen.organization)


def _session_id(request: MemberRequest, name: str) -> UUID | None:
    try:
        return UUID(request.session.get(name, ""))
    except ValueError:
        return None


def _enter_as_visitor(request: MemberRequest, agency: Membership | None) -> bool:
    """Enter the organization of the running visit; return whether there is one."""
    visit_id = _session_id(request, SESSION_VISIT)
    if visit_id is None:
        return False
    visit = running_visit(visit_id, request.user)
    assert request.portal is not None
    if visit is None or visit.agency_id != request.portal.agency_id:
        return False
    if visit.kind == Visit.Kind.AGENCY:
        if agency is None:  # no longer one of the agency's people
            return False
        membership = agency
    elif request.user.is_staff:
        membership = Membership(
            user=request.user, organization=visit.organization, role=Role.ADMIN
        )
    else:
        return False
    request.visit = visit
    _enter(request, membership, visit.organization)
    if visit.may_write:
        request.permissions -= NOT_FOR_VISITORS
    else:
        request.permissions &= READING
    return True


def _enter(
    request: MemberRequest, membership: Membership, organization: Organization
) -> None:
    request.membership = membership
    request.organization = organization
    held = permissions_of(
        cast("Role", membership.role), in_agency=organization.is_agency
    )
    off = off_for(organization, is_visited=request.visit is not None)
    request.permissions = without(held, off)
