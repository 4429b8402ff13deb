"""The brand of the host: stylesheet, logo, favicon; and the page that changes it."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from portal import branding
from portal.forms import BrandForm
from portal.http import MemberRequest, PortalRequest
from portal.models import Portal
from portal.permissions import Permission, public, requires
from portal.services.brand import save_brand

_FOREVER = "public, max-age=31536000, immutable"


@require_GET
@public
def brand_css(request: PortalRequest) -> HttpResponse:
    """The brand's variables; open to all, as the sign-in page wears it."""
    return _immutable(branding.brand_css(_portal(request)), "text/css; charset=utf-8")


@require_GET
@public
def brand_logo(request: PortalRequest, scheme: str) -> HttpResponse:
    """The logo for light or dark; a monogram until one is uploaded. Open to all."""
    portal = _portal(request)
    stored = (portal.logo_dark if scheme == "dark" else None) or portal.logo_light
    return _picture(stored, branding.default_logo_svg(portal))


@require_GET
@public
def brand_favicon(request: PortalRequest) -> HttpResponse:
    """The small picture in the browser's tab. Open to all."""
    portal = _portal(request)
    return _picture(portal.favicon, branding.default_favicon_svg(portal))


@require_GET
@requires(Permission.BRAND_EDIT)
def brand_preview_css(request: MemberRequest) -> HttpResponse:
    """The stylesheet of choices that are not saved yet."""
    css = branding.preview_css(request.GET)
    return HttpResponse(css, content_type="text/css; charset=utf-8")


@require_http_methods(["GET", "POST"])
@requires(Permission.BRAND_EDIT)
def brand_edit(request: MemberRequest) -> HttpResponse:
    """Change the brand; shows the contrast that the colours reach in both schemes."""
    portal = _portal(request)
    form = BrandForm(
        request.POST if request.method == "POST" else None,
        instance=Portal.objects.get(pk=portal.pk),
    )
    if request.method == "POST" and form.is_valid():
        save_brand(portal=form.instance, actor=request.user)
        messages.success(request, _("Saved. Everyone sees the new brand now."))
        return redirect("brand_edit")
    rows = branding.contrast_report(portal.accent_color, portal.neutral_hue_deg)
    return render(
        request,
        "portal/brand_form.html",
        {"form": form, "contrast": rows},
        status=422 if form.errors else 200,
    )


def _portal(request: PortalRequest) -> Portal:
    if request.portal is None:
        raise Http404
    return request.portal


def _picture(stored: bytes | memoryview | None, default_svg: str) -> HttpResponse:
    if stored:
        data = bytes(stored)
        return _immutable(data, branding.image_type(data) or "application/octet-stream")
    return _immutable(default_svg, "image/svg+xml")


def _immutable(body: str | bytes, content_type: str) -> HttpResponse:
    response = HttpResponse(body, content_type=content_type)
    response["Cache-Control"] = _FOREVER
    response["Vary"] = "Host"
    return response
