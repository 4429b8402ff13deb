"""The team of an organization, and the API keys it uses."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.forms import APIKeyForm, MemberForm
from portal.http import MemberRequest
from portal.models import APIKey, Membership
from portal.permissions import Permission, requires
from portal.services import api_keys, organizations


@require_GET
@requires(Permission.MEMBERS_READ)
def member_list(request: MemberRequest) -> HttpResponse:
    """Who belongs to the organization, with which role."""
    return _members(request, MemberForm())


@require_POST
@requires(Permission.MEMBERS_EDIT)
def member_add(request: MemberRequest) -> HttpResponse:
    """Give somebody a role; no role above one's own."""
    form = MemberForm(request.POST, giver=request.membership)
    if not form.is_valid():
        return _members(request, form, status=422)
    membership = organizations.add_member(
        organization=request.organization, actor=request.user, **form.cleaned_data
    )
    messages.success(
        request,
        _("%(email)s was added. They set a password with “Forgot your password?”.")
        % {"email": membership.user.email},
    )
    return redirect("member_list")


def _members(
    request: MemberRequest, form: MemberForm, status: int = 200
) -> HttpResponse:
    members = (
        Membership.objects.filter(organization=request.organization)
        .select_related("user")
        .order_by("created_at")
    )
    return render(
        request,
        "portal/member_list.html",
        {"members": members, "form": form},
        status=status,
    )


@require_http_methods(["GET", "POST"])
@requires(Permission.API_KEYS_EDIT)
def api_key_list(request: MemberRequest) -> HttpResponse:
    """The keys of the organization; a new one is shown once, on this answer only."""
    form = APIKeyForm(request.POST if request.method == "POST" else None)
    new_key = ""
    if request.method == "POST" and form.is_valid():
        _row, new_key = api_keys.issue_key(
            organization=request.organization,
            name=form.cleaned_data["name"],
            actor=request.user,
        )
        form = APIKeyForm()
    context = {"keys": APIKey.objects.all(), "form": form, "new_key": new_key}
    response = render(
        request, "portal/api_key_list.html", context, status=422 if form.errors else 200
    )
    response["Cache-Control"] = "no-store"
    return response


@require_POST
@requires(Permission.API_KEYS_EDIT)
def api_key_revoke(request: MemberRequest, key_id: UUID) -> HttpResponse:
    """End a key at once."""
    key = APIKey.objects.filter(pk=key_id).first()
    if key is None:
        raise Http404
    api_keys.revoke_key(key=key, actor=request.user)
    messages.success(request, _("“%(name)s” no longer works.") % {"name": key.name})
    return redirect("api_key_list")
