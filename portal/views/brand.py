"""The brand of the host: style sheet, pictures, manifest; and the page that changes it."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language, gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal import branding, pictures
from portal.brand import Brand
from portal.brand_form import (
    PICTURE_ERRORS,
    PICTURE_HELP,
    PICTURE_LABELS,
    BrandForm,
)
from portal.http import MemberRequest, PortalRequest
from portal.models import BrandPicture, Portal
from portal.permissions import Permission, public, requires, signed_in
from portal.services.brand import remove_picture, save_brand, set_picture

_FOREVER = "public, max-age=31536000, immutable"
# A drawing opened by itself runs nothing and reaches nobody.
_DRAWING_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


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
    wanted = ["logo-dark", "logo-light"] if scheme == "dark" else ["logo-light"]
    for kind in wanted:
        if kind in portal.pictures and (stored := _stored(portal, kind)):
            return stored
    return _immutable(branding.default_logo_svg(portal), "image/svg+xml")


@require_GET
@public
def brand_favicon(request: PortalRequest) -> HttpResponse:
    """The small picture in the browser's tab. Open to all."""
    portal = _portal(request)
    if "icon-32" in portal.pictures and (stored := _stored(portal, "icon-32")):
        return stored
    return _immutable(branding.default_logo_svg(portal), "image/svg+xml")


@require_GET
@public
def brand_picture(request: PortalRequest, kind: str) -> HttpResponse:
    """One of the brand's pictures; icons are drawn where none was uploaded. Open to all."""
    portal = _portal(request)
    if kind in portal.pictures and (stored := _stored(portal, kind)):
        return stored
    drawn = pictures.monogram_icons(
        branding.monogram(portal.name), portal.accent_color.lower()
    )
    if kind not in drawn:
        raise Http404
    picture = drawn[BrandPicture.Kind(kind)]
    return _immutable(picture.data, picture.content_type)


@require_GET
@public
def brand_manifest(request: PortalRequest) -> HttpResponse:
    """What a browser shows when it offers to install the portal. Open to all."""
    portal = _portal(request)
    version = branding.brand_version(portal)
    body = {
        "id": "/",
        "name": portal.name,
        "short_name": portal.name[:12].strip(),
        "description": portal.description or portal.welcome_text,
        "lang": get_language(),
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "theme_color": portal.primary_color or portal.accent_color,
        "background_color": branding.surfaces("light", portal.neutral_hue_deg)[0],
        "icons": [
            {
                "src": f"/brand/picture/{kind}?v={version}",
                "sizes": f"{size}x{size}",
                "type": "image/png",
                "purpose": purpose,
            }
            for kind, size, purpose in (
                ("icon-192", 192, "any"),
                ("icon-512", 512, "any"),
                ("icon-maskable", 512, "maskable"),
            )
        ],
    }
    response = JsonResponse(body, content_type="application/manifest+json")
    response["Cache-Control"] = "public, max-age=300"
    response["Vary"] = "Host, Accept-Language"
    return response


@require_GET
@requires(Permission.BRAND_EDIT)
def brand_preview_css(request: MemberRequest) -> HttpResponse:
    """The stylesheet of choices that are not saved yet."""
    css = branding.preview_css(request.GET)
    return HttpResponse(css, content_type="text/css; charset=utf-8")


@require_GET
@requires(Permission.BRAND_EDIT)
def brand_contrast(request: MemberRequest) -> HttpResponse:
    """What the chosen colours measure, and which of them had to give way."""
    choices = branding.Choices.read(request.GET)
    return render(
        request,
        "portal/brand_contrast.html",
        _measured(choices.accent, choices.hue_deg, choices.primary),
    )


@require_http_methods(["GET", "POST"])
@requires(Permission.BRAND_EDIT)
def brand_edit(request: MemberRequest) -> HttpResponse:
    """Change the brand; shows the contrast that the colours reach in both schemes."""
    portal = Portal.objects.get(pk=_portal(request).pk)
    form = BrandForm(
        request.POST if request.method == "POST" else None, instance=portal
    )
    if request.method == "POST" and form.is_valid():
        save_brand(portal=form.instance, actor=request.user)
        messages.success(request, _("Saved. Everyone sees the new brand now."))
        return redirect("brand_edit")
    saved = Portal.objects.get(pk=portal.pk)
    return render(
        request,
        "portal/brand_form.html",
        {
            "form": form,
            **_measured(saved.accent_color, saved.neutral_hue_deg, saved.primary_color),
            "pictures": [
                {
                    "kind": kind,
                    "label": label,
                    "help": PICTURE_HELP[kind],
                    "is_set": str(kind) in saved.pictures,
                    "hash": saved.pictures.get(str(kind), ""),
                }
                for kind, label in PICTURE_LABELS.items()
            ],
        },
        status=422 if form.errors else 200,
    )


@require_POST
@requires(Permission.BRAND_EDIT)
def brand_picture_set(request: MemberRequest, kind: str) -> HttpResponse:
    """Put up a picture, or take it away when none is sent."""
    if kind not in PICTURE_LABELS:
        raise Http404
    portal = Portal.objects.get(pk=_portal(request).pk)
    upload = request.FILES.get("picture")
    if request.POST.get("remove"):
        remove_picture(portal=portal, kind=kind, actor=request.user)
        messages.success(request, _("The picture was taken away."))
    elif upload is None:
        messages.error(request, _("Choose a file first."))
    else:
        try:
            data = upload.read(pictures.LIMIT_BYTES + 1)
            set_picture(portal=portal, kind=kind, data=data, actor=request.user)
        except pictures.BadPicture as error:
            messages.error(request, PICTURE_ERRORS[error.code])
        else:
            messages.success(request, _("The picture was saved."))
    return redirect("brand_edit")


@require_GET
@signed_in
def menu_page(request: MemberRequest, key: str) -> HttpResponse:
    """A page of the agency's own, framed inside the portal."""
    brand = Brand.of(_portal(request))
    entry = next((e for e in brand.menu if e.key == key and e.is_framed), None)
    if entry is None or request.membership is None:
        raise Http404
    origin = "https://" + urlsplit(entry.url).netloc

    response = render(request, "portal/menu_page.html", {"entry": entry})
    # Read by the middleware that writes the policy.
    response._csp_update = {"frame-src": [origin]}  # type: ignore[attr-defined]  # the library's own way
    return response


def _measured(accent: str, hue_deg: int, primary: str) -> dict[str, object]:
    return {
        "contrast": branding.contrast_report(accent, hue_deg, primary),
        "nudges": branding.nudges(accent, hue_deg, primary),
    }


def _portal(request: PortalRequest) -> Portal:
    if request.portal is None:
        raise Http404
    return request.portal


def _stored(portal: Portal, kind: str) -> HttpResponse | None:
    picture = BrandPicture.objects.filter(portal=portal, kind=kind).first()
    if picture is None:
        return None
    return _immutable(bytes(picture.data), picture.content_type)


def _immutable(body: str | bytes, content_type: str) -> HttpResponse:
    response = HttpResponse(body, content_type=content_type)
    response["Cache-Control"] = _FOREVER
    response["Vary"] = "Host"
    if content_type.startswith("image/svg"):
        response["Content-Security-Policy"] = _DRAWING_POLICY
    return response
