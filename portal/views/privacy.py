"""The page on which an organization says how the content of its calls is treated."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.http import MemberRequest
from portal.permissions import Permission, requires
from portal.privacy_form import PrivacyForm
from portal.services import privacy


@require_http_methods(["GET", "POST"])
@requires(Permission.PRIVACY_READ)
def privacy_edit(request: MemberRequest) -> HttpResponse:
    """Everyone may read it; who may edit it, saves it."""
    may_edit = Permission.PRIVACY_EDIT in request.permissions
    if request.method == "POST":
        if not may_edit:
            raise PermissionDenied
        form = PrivacyForm(request.POST)
        if form.is_valid() and _saved(request, form):
            messages.success(request, _("Saved. It holds for every call from now on."))
            return redirect("privacy_edit")
    else:
        own = privacy.settings_of(request.organization)
        form = PrivacyForm(
            initial={name: getattr(own, name) for name in PrivacyForm.base_fields}
        )
    if not may_edit:
        for field in form.fields.values():
            field.disabled = True
    context = {
        "form": form,
        "may_edit": may_edit,
        "bounds": None
        if request.organization.is_agency
        else privacy.bounds_of(request.organization),
    }
    return render(
        request,
        "portal/privacy_form.html",
        context,
        status=422 if form.errors else 200,
    )


def _saved(request: MemberRequest, form: PrivacyForm) -> bool:
    try:
        privacy.save_privacy(
            organization=request.organization, actor=request.user, **form.cleaned_data
        )
    except privacy.PolicyRefused as refusal:
        form.add_error(refusal.field, str(refusal))
        return False
    return True
