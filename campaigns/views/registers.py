"""External registers of an organization: entered, tried, changed, taken out."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from campaigns.errors import CampaignError, RegisterNameTaken
from campaigns.queries import get_register
from campaigns.register_form import RegisterForm, TryRegisterForm, try_register
from campaigns.services.registers import (
    add_register,
    change_register,
    remove_register,
)
from portal.http import MemberRequest
from portal.permissions import Permission, requires


@require_http_methods(["GET", "POST"])
@requires(Permission.CAMPAIGNS_EDIT)
def register_new(request: MemberRequest) -> HttpResponse:
    """Enter a register; it is asked before the next call."""
    form = RegisterForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = add_register(
                organization=request.organization, new=form.new, actor=request.user
            )
        except CampaignError as refusal:
            field = "name" if isinstance(refusal, RegisterNameTaken) else None
            form.add_error(field, str(refusal))
        else:
            messages.success(
                request, _("Saved. It is asked before the next call. Try it now.")
            )
            return redirect("register_detail", made.pk)
    context = {"form": form, "is_agency": request.organization.is_agency}
    return render(
        request,
        "campaigns/register_form.html",
        context,
        status=422 if form.errors else 200,
    )


@require_http_methods(["GET", "POST"])
@requires(Permission.CAMPAIGNS_EDIT)
def register_detail(request: MemberRequest, register_id: UUID) -> HttpResponse:
    """How a register is; changed by who may edit campaigns."""
    register = get_register(register_id)
    form = RegisterForm(request.POST or None, register=register)
    if request.method == "POST" and form.is_valid():
        try:
            change_register(register=register, changes=form.changes, actor=request.user)
        except CampaignError as refusal:
            form.add_error("name", str(refusal))
        else:
            messages.success(request, _("Saved. It holds for the next call."))
            return redirect("register_detail", register_id)
    context = {
        "form": form,
        "register": register,
        "try_form": TryRegisterForm(),
        "is_agency": request.organization.is_agency,
    }
    return render(
        request,
        "campaigns/register_form.html",
        context,
        status=422 if form.errors else 200,
    )


@require_POST
@requires(Permission.CAMPAIGNS_EDIT)
def register_try(request: MemberRequest, register_id: UUID) -> HttpResponse:
    """Ask it about one number, and say what it answered."""
    register = get_register(register_id)
    form = TryRegisterForm(request.POST)
    if not form.is_valid():
        context = {
            "form": RegisterForm(register=register),
            "register": register,
            "try_form": form,
            "is_agency": request.organization.is_agency,
        }
        return render(request, "campaigns/register_form.html", context, status=422)
    answered, text = try_register(register, form.cleaned_data["phone_number"])
    tell = messages.success if answered else messages.error
    tell(request, text)
    return redirect("register_detail", register_id)


@require_POST
@requires(Permission.CAMPAIGNS_EDIT)
def register_remove(request: MemberRequest, register_id: UUID) -> HttpResponse:
    """Ask it no more."""
    remove_register(register=get_register(register_id), actor=request.user)
    messages.success(request, _("Removed. The register is not asked any more."))
    return redirect("suppression_list")
