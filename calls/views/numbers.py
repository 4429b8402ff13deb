"""The numbers of an organization: what answers each, and adding one."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from calls.forms import NumberAssistantForm, NumberForm
from calls.queries import get_number, visible_numbers
from calls.services.numbers import (
    NewNumber,
    NumberInUse,
    NumberTaken,
    add_number,
    change_number,
    remove_number,
)
from portal.http import MemberRequest
from portal.permissions import Permission, requires


@require_GET
@requires(Permission.ASSISTANTS_READ)
def number_list(request: MemberRequest) -> HttpResponse:
    """Every number with the assistant that answers it."""
    return _page(request, NumberForm())


@require_POST
@requires(Permission.ASSISTANTS_EDIT)
def number_add(request: MemberRequest) -> HttpResponse:
    """Register a number."""
    form = NumberForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    try:
        number = add_number(
            organization=request.organization,
            new=NewNumber(**form.cleaned_data),
            actor=request.user,
        )
    except NumberTaken:
        form.add_error("number", _("This number is registered already."))
        return _page(request, form, status=422)
    messages.success(request, _("%(number)s was added.") % {"number": number.number})
    return redirect("number_list")


@require_POST
@requires(Permission.ASSISTANTS_EDIT)
def number_assign(request: MemberRequest, number_id: UUID) -> HttpResponse:
    """Say which assistant answers a number."""
    number = get_number(number_id)
    form = NumberAssistantForm(request.POST, prefix=str(number.pk))
    if form.is_valid():
        change_number(number=number, changes=form.cleaned_data, actor=request.user)
        messages.success(request, _("Saved. The next call is answered that way."))
    else:
        messages.error(request, _("That assistant is gone. Choose another."))
    return redirect("number_list")


@require_POST
@requires(Permission.ASSISTANTS_EDIT)
def number_remove(request: MemberRequest, number_id: UUID) -> HttpResponse:
    """Forget a number; its calls stay."""
    number = get_number(number_id)
    try:
        remove_number(number=number, actor=request.user)
    except NumberInUse:
        messages.error(request, _("A campaign calls from this number. It stays."))
    else:
        messages.success(
            request, _("%(number)s was removed.") % {"number": number.number}
        )
    return redirect("number_list")


def _page(request: MemberRequest, form: NumberForm, status: int = 200) -> HttpResponse:
    rows = [
        {
            "number": number,
            "form": NumberAssistantForm(
                initial={"assistant": number.assistant_id}, prefix=str(number.pk)
            ),
        }
        for number in visible_numbers()
    ]
    return render(
        request, "calls/number_list.html", {"rows": rows, "form": form}, status=status
    )
