"""The page on which an agency connects its own domain; and what the proxy asks."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from portal.domains import claims
from portal.domains.checking import challenge_host, challenge_value, proof_of
from portal.domains.names import domain_name, shown_name
from portal.hosts import UnknownHost, bare_host, find_portal, slug_host
from portal.http import MemberRequest, PortalRequest
from portal.models import Portal, PortalDomain
from portal.permissions import Permission, public, requires
from portal.proxy import is_from_proxy_itself

Status = PortalDomain.Status
_STEPS = (Status.PENDING_DNS, Status.VERIFIED, Status.ISSUED, Status.LIVE)


@require_GET
@requires(Permission.DOMAINS_EDIT)
def domain_list(request: MemberRequest) -> HttpResponse:
    """The portal's addresses, how far each has come, and what to enter at the DNS host."""
    return _page(request)


@require_POST
@requires(Permission.DOMAINS_EDIT)
def domain_claim(request: MemberRequest) -> HttpResponse:
    """Begin with a domain of one's own."""
    text = request.POST.get("name", "")
    try:
        domain = claims.claim_domain(
            portal=_portal(request), text=text, actor=request.user
        )
    except ValidationError as error:
        return _page(request, text=text, error=" ".join(error.messages), status=422)
    messages.success(
        request,
        _("Now enter the records of %(name)s at your DNS provider.")
        % {"name": domain.name},
    )
    return redirect("domain_list")


@require_POST
@requires(Permission.DOMAINS_EDIT)
def domain_check(request: MemberRequest, domain_id: UUID) -> HttpResponse:
    """Look at a domain now."""
    domain = claims.check_domain(domain=_domain(request, domain_id))
    if request.htmx:
        return render(
            request, "portal/domain_card.html", {"domain": _shown(domain, request)}
        )
    messages.info(request, domain.get_status_display())
    return redirect("domain_list")


@require_POST
@requires(Permission.DOMAINS_EDIT)
def domain_release(request: MemberRequest, domain_id: UUID) -> HttpResponse:
    """Give a domain up."""
    domain = _domain(request, domain_id)
    claims.release_domain(domain=domain, actor=request.user)
    messages.success(request, _("%(name)s was removed.") % {"name": domain.name})
    return redirect("domain_list")


@require_GET
@never_cache
@public
def domain_proof(request: PortalRequest) -> HttpResponse:
    """Show that this installation answers at this host; open to all, says nothing else."""
    return HttpResponse(
        proof_of(bare_host(request.get_host())), content_type="text/plain"
    )


@require_GET
@never_cache
@public
def tls_ask(request: HttpRequest) -> HttpResponse:
    """Tell our own proxy whether a host may have a certificate: 200 or 404.

    Open to the proxy beside us only; whatever goes wrong means no.
    """
    if not is_from_proxy_itself(request):
        raise Http404
    try:
        name = bare_host(request.GET.get("domain", ""))
        may = claims.may_have_certificate(domain_name(name))
    except ValidationError:
        may = _is_portal_at_its_slug(name)
    if not may:
        raise Http404
    return HttpResponse("yes", content_type="text/plain")


def _is_portal_at_its_slug(name: str) -> bool:
    try:
        portal = find_portal(name)
    except UnknownHost:
        return False
    if portal is None:
        return not name.replace(".", "").isdigit() and ":" not in name
    return slug_host(portal) == name


def _page(
    request: MemberRequest, *, text: str = "", error: str = "", status: int = 200
) -> HttpResponse:
    portal = _portal(request)
    domains = PortalDomain.objects.filter(portal=portal).exclude(status=Status.RELEASED)
    context = {
        "domains": [_shown(domain, request) for domain in domains],
        "slug_host": slug_host(portal),
        "live_domain": portal.live_domain,
        "text": text,
        "error": error,
        "released": PortalDomain.objects.filter(portal=portal, status=Status.RELEASED),
    }
    return render(request, "portal/domain_list.html", context, status=status)


def _shown(domain: PortalDomain, request: MemberRequest) -> dict[str, Any]:
    is_apex = domain.name.count(".") == 1
    reached = (
        Status.LIVE
        if domain.status in (Status.EXPIRING, Status.BROKEN)
        else domain.status
    )
    at = _STEPS.index(Status(reached))
    return {
        "row": domain,
        "name": shown_name(domain.name),
        "problem": claims.PROBLEMS.get(domain.problem, ""),
        "is_apex": is_apex,
        "txt_host": challenge_host(domain.name),
        "txt_value": challenge_value(domain.token),
        "target": slug_host(_portal(request)),
        "addresses": list(settings.PORTAL_ADDRESSES),
        "steps": [
            {
                "label": step.label,
                "is_done": index < at or domain.status == Status.LIVE,
                "is_current": index == at and domain.status != Status.LIVE,
            }
            for index, step in enumerate(_STEPS)
        ],
    }


def _portal(request: MemberRequest) -> Portal:
    if request.portal is None:
        raise Http404
    return Portal.objects.select_related("agency").get(pk=request.portal.pk)


def _domain(request: MemberRequest, domain_id: UUID) -> PortalDomain:
    domain = (
        PortalDomain.objects.select_related("portal__agency")
        .filter(pk=domain_id, portal=_portal(request))
        .first()
    )
    if domain is None:
        raise Http404
    return domain
