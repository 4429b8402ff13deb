"""What a person chooses for themselves: name, theme, language, and where to look."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.context import THEME_COOKIE
from portal.forms import ProfileForm
from portal.http import MemberRequest
from portal.middleware import SESSION_ORGANIZATION, choose_organization
from portal.models import User
from portal.permissions import public, signed_in
from portal.services.memberships import rename_person

_YEAR_S = 365 * 24 * 3600


@require_POST
@public
def set_theme(request: MemberRequest) -> HttpResponse:
    """Light, dark or like the system; open to all, as sign-in pages have a theme too."""
    theme = request.POST.get("theme", "")
    response = redirect(_safe_next(request))
    if theme in User.Theme.values:
        if isinstance(request.user, User):
            User.objects.filter(pk=request.user.pk).update(theme=theme)
        response.set_cookie(
            THEME_COOKIE,
            theme,
            max_age=_YEAR_S,
            samesite="Lax",
            secure=request.is_secure(),
        )
    return response


@require_POST
@public
def set_language(request: MemberRequest) -> HttpResponse:
    """The language of the pages; open to all, as sign-in pages are read too."""
    language = request.POST.get("language", "")
    response = redirect(_safe_next(request))
    if language in dict(settings.LANGUAGES):
        if isinstance(request.user, User):
            User.objects.filter(pk=request.user.pk).update(language=language)
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            language,
            max_age=_YEAR_S,
            samesite="Lax",
            secure=request.is_secure(),
        )
    return response


@require_http_methods(["GET", "POST"])
@signed_in
def own_profile(request: MemberRequest) -> HttpResponse:
    """What a person is called."""
    form = ProfileForm(
        request.POST if request.method == "POST" else None,
        initial={"name": request.user.name},
    )
    if request.method == "POST" and form.is_valid():
        rename_person(person=request.user, name=form.cleaned_data["name"])
        messages.success(request, _("Saved."))
        return redirect("own_profile")
    status = 422 if form.errors else 200
    return render(request, "account/profile.html", {"form": form}, status=status)


@require_GET
@signed_in
def switch_organization(request: MemberRequest, organization_id: UUID) -> HttpResponse:
    """Look at another organization; one that is not mine is 404."""
    if request.portal is None:
        raise Http404
    request.session[SESSION_ORGANIZATION] = str(organization_id)
    choose_organization(request)
    if request.membership is None or request.organization.pk != organization_id:
        del request.session[SESSION_ORGANIZATION]
        raise Http404
    return redirect("dashboard")


def _safe_next(request: MemberRequest) -> str:
    target = request.POST.get("next", "/")
    if url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}):
        return target
    return "/"
