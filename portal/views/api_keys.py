"""Keys of the API: making, replacing and ending them."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from portal.api_key_forms import APIKeyForm, KeyPrefixForm, OverlapForm
from portal.api_scopes import allowed
from portal.http import MemberRequest
from portal.models import APIKey, Role
from portal.permissions import Permission, permissions_of, requires
from portal.services import api_keys
from portal.services.api_keys import KeyEnded
from portal.sudo import sudo


@require_http_methods(["GET", "POST"])
@requires(Permission.API_KEYS_EDIT)
@sudo
def api_key_list(request: MemberRequest) -> HttpResponse:
    """The keys of the organization; a new one is shown once, on this answer only."""
    form = APIKeyForm(
        request.POST if request.method == "POST" else None, held=request.permissions
    )
    new_key = ""
    if request.method == "POST" and form.is_valid():
        assert request.membership is not None
        _row, new_key = api_keys.issue_key(
            organization=request.organization,
            actor=request.user,
            role=request.membership.role,
            **form.wanted(),
        )
        form = APIKeyForm(held=request.permissions)
    return _page(request, form, new_key)


@require_POST
@requires(Permission.API_KEYS_EDIT)
@sudo
def api_key_rotate(request: MemberRequest, key_id: UUID) -> HttpResponse:
    """Replace a key; the new one is shown once, on this answer only."""
    key = _get_key(key_id)
    form = OverlapForm(request.POST)
    if not form.is_valid():
        raise Http404("No such overlap.")
    _refuse_more_than_own(request, key)
    try:
        _row, new_key = api_keys.rotate_key(
            key=key,
            actor=request.user,
            overlap=timedelta(hours=form.cleaned_data["hours"]),
        )
    except KeyEnded:
        messages.error(request, _("This key works no more; make a new one."))
        return redirect("api_key_list")
    return _page(request, APIKeyForm(held=request.permissions), new_key)


@require_POST
@requires(Permission.API_KEYS_EDIT)
def api_key_revoke(request: MemberRequest, key_id: UUID) -> HttpResponse:
    """End a key at once."""
    key = _get_key(key_id)
    api_keys.revoke_key(key=key, actor=request.user)
    messages.success(request, _("“%(name)s” no longer works.") % {"name": key.name})
    return redirect("api_key_list")


@require_POST
@requires(Permission.BRAND_EDIT)
def api_key_prefix(request: MemberRequest) -> HttpResponse:
    """Choose what new keys of the portal start with."""
    form = KeyPrefixForm(request.POST)
    if not form.is_valid():
        return _page(
            request, APIKeyForm(held=request.permissions), prefix_form=form, status=422
        )
    assert request.portal is not None
    api_keys.set_prefix(
        portal=request.portal,
        prefix=form.cleaned_data["starts_with"],
        actor=request.user,
    )
    messages.success(request, _("New keys start like this from now on."))
    return redirect("api_key_list")


def _get_key(key_id: UUID) -> APIKey:
    key = APIKey.objects.filter(pk=key_id).first()
    if key is None:
        raise Http404("No such key.")
    return key


def _refuse_more_than_own(request: MemberRequest, key: APIKey) -> None:
    """Nobody gets hold of a key that may do more than they may."""
    rights = permissions_of(Role(key.role), in_agency=request.organization.is_agency)
    if not rights & allowed(key.scopes) <= request.permissions:
        raise PermissionDenied


def _page(
    request: MemberRequest,
    form: APIKeyForm,
    new_key: str = "",
    *,
    prefix_form: KeyPrefixForm | None = None,
    status: int = 200,
) -> HttpResponse:
    assert request.portal is not None
    now = timezone.now()
    keys = [
        (
            key,
            key.expires_at is not None and key.expires_at <= now,
            OverlapForm(auto_id=f"{key.hex_id}_%s"),
        )
        for key in APIKey.objects.all()
    ]
    prefix = request.portal.api_key_prefix
    response = render(
        request,
        "portal/api_key_list.html",
        {
            "keys": keys,
            "form": form,
            "new_key": new_key,
            "prefix_form": prefix_form
            or KeyPrefixForm(initial={"starts_with": prefix}),
        },
        status=422 if form.errors else status,
    )
    response["Cache-Control"] = "no-store"
    return response
