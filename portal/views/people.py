"""The team of an organization."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from portal.forms import MemberForm
from portal.http import MemberRequest
from portal.models import Membership
from portal.permissions import Permission, requires
from portal.services import organizations


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
