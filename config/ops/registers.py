"""The operator's external registers, which hold for everybody's campaigns."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from campaigns.errors import CampaignError, RegisterNameTaken
from campaigns.models import Register
from campaigns.register_form import RegisterForm, TryRegisterForm, try_register
from campaigns.services.registers import (
    add_register,
    change_register,
    remove_register,
)
from config.ops.base import person

logger = logging.getLogger(__name__)


def register(
    request: HttpRequest, context: dict[str, Any], register_id: UUID | None = None
) -> HttpResponse:
    """One register, or a new one."""
    row = _register(register_id) if register_id else None
    form = RegisterForm(request.POST or None, register=row)
    if request.method == "POST" and form.is_valid():
        try:
            saved = _saved(request, row, form)
        except CampaignError as refusal:
            field = "name" if isinstance(refusal, RegisterNameTaken) else None
            form.add_error(field, str(refusal))
        else:
            messages.success(request, _("Saved. It holds for the next call."))
            return redirect("admin:register", saved.pk)
    return _page(request, context, row, form, TryRegisterForm())


def register_try(
    request: HttpRequest, context: dict[str, Any], register_id: UUID
) -> HttpResponse:
    """Ask it about one number, and say what it answered."""
    row = _register(register_id)
    form = TryRegisterForm(request.POST or None)
    if not form.is_valid():
        return _page(request, context, row, RegisterForm(register=row), form)
    answered, text = try_register(row, form.cleaned_data["phone_number"])
    tell = messages.success if answered else messages.error
    tell(request, text)
    return redirect("admin:register", register_id)


@require_POST
def register_remove(request: HttpRequest, register_id: UUID) -> HttpResponse:
    """Ask it no more; logged with who did."""
    remove_register(register=_register(register_id), actor=person(request))
    _log(request, register_id, "operator's register removed")
    messages.success(request, _("Removed. The register is not asked any more."))
    return redirect("admin:never_call")


def _saved(request: HttpRequest, row: Register | None, form: RegisterForm) -> Register:
    actor = person(request)
    if row is None:
        saved = add_register(organization=None, new=form.new, actor=actor)
    else:
        saved = change_register(register=row, changes=form.changes, actor=actor)
    _log(request, saved.pk, "operator's register saved")
    return saved


def _page(
    request: HttpRequest,
    context: dict[str, Any],
    row: Register | None,
    form: RegisterForm,
    try_form: TryRegisterForm,
) -> HttpResponse:
    shown = {
        "title": row.name if row else _("New register"),
        "register": row,
        "form": form,
        "try_form": try_form,
    }
    status = 422 if form.errors or try_form.errors else 200
    return render(request, "ops/register.html", context | shown, status=status)


def _register(register_id: UUID) -> Register:
    return get_object_or_404(Register, pk=register_id, organization=None)


def _log(request: HttpRequest, register_id: UUID, what: str) -> None:
    logger.info(
        what, extra={"register": str(register_id), "staff": str(person(request).pk)}
    )
