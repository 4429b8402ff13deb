"""The team of an organization: who is in it, who was invited, who may do what."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.forms import MemberForm, RoleForm
from portal.http import MemberRequest
from portal.limits import PlanLimit
from portal.models import Invitation, Membership, Role
from portal.permissions import Permission, requires, signed_in
from portal.role_table import role_table
from portal.services import invitations, memberships
from portal.sudo import sudo


@require_GET
@requires(Permission.MEMBERS_READ)
def member_list(request: MemberRequest) -> HttpResponse:
    """Who belongs to the organization, with which role, and what roles may do."""
    return _members(request, MemberForm(giver=request.membership))


@require_POST
@requires(Permission.MEMBERS_EDIT)
def member_add(request: MemberRequest) -> HttpResponse:
    """Invite somebody; no role above one's own. Says the same for every address."""
    form = MemberForm(request.POST, giver=request.membership)
    if form.is_valid():
        try:
            invitations.invite(
                organization=request.organization,
                actor=request.user,
                email=form.cleaned_data["email"],
                role=form.cleaned_data["role"],
            )
        except ValidationError as error:
            form.add_error(None, error.messages[0])
        except PlanLimit as error:
            form.add_error(None, str(error))
        else:
            messages.success(
                request,
                _("An invitation to %(email)s is on its way.")
                % {"email": form.cleaned_data["email"]},
            )
            return redirect("member_list")
    return _members(request, form, status=422)


@require_POST
@requires(Permission.MEMBERS_EDIT)
def invitation_resend(request: MemberRequest, invitation_id: UUID) -> HttpResponse:
    """Send an invitation once more, with a new link."""
    try:
        invitations.resend(
            invitation=_invitation(request, invitation_id), actor=request.user
        )
    except ValidationError as error:
        messages.error(request, error.messages[0])
    except invitations.InvitationEnded:
        messages.error(request, _("This invitation has ended already."))
    else:
        messages.success(request, _("Sent again. The link before is dead."))
    return redirect("member_list")


@require_POST
@requires(Permission.MEMBERS_EDIT)
def invitation_revoke(request: MemberRequest, invitation_id: UUID) -> HttpResponse:
    """Take an invitation back."""
    invitations.revoke(
        invitation=_invitation(request, invitation_id), actor=request.user
    )
    messages.success(request, _("The invitation was taken back."))
    return redirect("member_list")


@require_http_methods(["GET", "POST"])
@requires(Permission.MEMBERS_EDIT)
def member_edit(request: MemberRequest, member_id: UUID) -> HttpResponse:
    """Somebody's role, and what they may see."""
    member = _member(request, member_id)
    form = RoleForm(
        request.POST if request.method == "POST" else None,
        member=member,
        giver=request.membership,
    )
    if request.method == "POST" and form.is_valid():
        try:
            memberships.change_member(
                member=member, giver=_own(request), **form.choices()
            )
        except ValidationError as error:
            form.add_error(None, error.messages[0])
        else:
            messages.success(request, _("Saved."))
            return redirect("member_list")
    context = {"form": form, "member": member}
    return render(
        request, "portal/member_form.html", context, status=422 if form.errors else 200
    )


@require_POST
@requires(Permission.MEMBERS_EDIT)
def member_remove(request: MemberRequest, member_id: UUID) -> HttpResponse:
    """Take somebody's place away."""
    member = _member(request, member_id)
    try:
        memberships.remove_member(member=member, giver=_own(request))
    except ValidationError as error:
        messages.error(request, error.messages[0])
    else:
        messages.success(request, _("%(name)s was removed.") % {"name": member.user})
    return redirect("member_list")


@require_POST
@signed_in
def member_leave(request: MemberRequest) -> HttpResponse:
    """Leave the organization one looks at; its last owner cannot."""
    own = _own(request)
    try:
        memberships.remove_member(member=own, giver=own)
    except ValidationError as error:
        messages.error(request, error.messages[0])
        return redirect("member_list")
    messages.success(request, _("You left %(name)s.") % {"name": own.organization.name})
    return redirect("dashboard")


@require_POST
@requires(Permission.ORGANIZATION_EDIT)
@sudo
def ownership_hand_over(request: MemberRequest, member_id: UUID) -> HttpResponse:
    """Make somebody else the owner."""
    to = _member(request, member_id)
    memberships.hand_over(owner=_own(request), to=to)
    messages.success(
        request, _("%(name)s is the owner now; you are an admin.") % {"name": to.user}
    )
    return redirect("member_list")


def _own(request: MemberRequest) -> Membership:
    """Return the person's own place here; a visitor has none."""
    membership = request.membership
    if (
        membership is None
        or request.visit is not None
        or membership.organization_id != request.organization.pk
    ):
        raise Http404
    return membership


def _member(request: MemberRequest, member_id: UUID) -> Membership:
    member = (
        Membership.objects.select_related("user", "organization")
        .filter(pk=member_id, organization=request.organization)
        .first()
    )
    if member is None:
        raise Http404
    return member


def _invitation(request: MemberRequest, invitation_id: UUID) -> Invitation:
    row = Invitation.objects.filter(
        pk=invitation_id, organization=request.organization
    ).first()
    if row is None:
        raise Http404
    return row


def _members(
    request: MemberRequest, form: MemberForm, status: int = 200
) -> HttpResponse:
    members = (
        Membership.objects.filter(organization=request.organization)
        .select_related("user")
        .order_by("created_at")
    )
    invited = Invitation.objects.filter(
        organization=request.organization,
        accepted_at__isnull=True,
        revoked_at__isnull=True,
    )
    own = request.membership
    context: dict[str, Any] = {
        "members": members,
        "invitations": invited,
        "now": timezone.now(),
        "form": form,
        "roles": role_table(in_agency=request.organization.is_agency),
        "own": own if request.visit is None else None,
        "is_owner": own is not None
        and request.visit is None
        and own.role == Role.OWNER,
    }
    return render(request, "portal/member_list.html", context, status=status)
