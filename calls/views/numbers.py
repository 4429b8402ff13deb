"""The numbers of an organization: what answers each, and adding one."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from assistants.sovereignty import OutsideRegion
from calls import readiness
from calls.errors import NoCapacity
from calls.forms import NumberEditForm, NumberForm
from calls.models import PhoneNumber
from calls.queries import get_number, visible_calls, visible_numbers
from calls.services.inbound import simulate_caller
from calls.services.numbers import (
    NewNumber,
    NumberInUse,
    NumberTaken,
    add_number,
    change_number,
    remove_number,
)
from calls.telephony.forwarding import filled, provider_of
from calls.views.trunks import instruction_values, sip_address
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
    except OutsideRegion as refusal:
        _refuse_trunks(form, refusal)
        return _page(request, form, status=422)
    messages.success(request, _("%(number)s was added.") % {"number": number.number})
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


@require_GET
@requires(Permission.ASSISTANTS_READ)
def number_detail(request: MemberRequest, number_id: UUID) -> HttpResponse:
    """One number: does it answer, what is left to do, and how to send calls to it."""
    number = get_number(number_id)
    return _detail(request, number, NumberEditForm(number=number))


@require_POST
@requires(Permission.ASSISTANTS_EDIT)
def number_edit(request: MemberRequest, number_id: UUID) -> HttpResponse:
    """Change everything of a number but the number itself."""
    number = get_number(number_id)
    form = NumberEditForm(request.POST, number=number)
    if not form.is_valid():
        return _detail(request, number, form, status=422)
    try:
        change_number(number=number, changes=form.cleaned_data, actor=request.user)
    except OutsideRegion as refusal:
        _refuse_trunks(form, refusal)
        return _detail(request, number, form, status=422)
    messages.success(request, _("Saved. The next call is answered that way."))
    return redirect("number_detail", number.pk)


@require_POST
@requires(Permission.CALLS_START)
def number_simulate(request: MemberRequest, number_id: UUID) -> HttpResponse:
    """Let a simulated person call a number that has no trunk yet."""
    number = get_number(number_id)
    if number.carrier != "simulator":
        messages.error(request, _("This number has a trunk: call it by telephone."))
        return redirect("number_detail", number.pk)
    try:
        simulate_caller(number=number)
    except NoCapacity as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request, _("A simulated caller rings now. The call is listed below.")
        )
    return redirect("number_detail", number.pk)


def _refuse_trunks(form: Form, refusal: OutsideRegion) -> None:
    for fault in refusal.faults:
        field = fault.param.removesuffix("_id")
        form.add_error(field if field in form.fields else None, fault.message)


def _detail(
    request: MemberRequest,
    number: PhoneNumber,
    form: NumberEditForm,
    status: int = 200,
) -> HttpResponse:
    checklist = readiness.number_checklist(number)
    provider = provider_of(number.trunk.provider if number.trunk else "other")
    values = instruction_values(number=number.number, trunk=number.trunk)
    return render(
        request,
        "calls/number_detail.html",
        {
            "number": number,
            "form": form,
            "checklist": checklist,
            "steps_left": readiness.shown(checklist),
            "provider": provider,
            "inbound": filled(provider.inbound, values),
            "sip_address": sip_address(),
            "calls": visible_calls().filter(number=number)[:5],
        },
        status=status,
    )


def _page(request: MemberRequest, form: NumberForm, status: int = 200) -> HttpResponse:
    return render(
        request,
        "calls/number_list.html",
        {"rows": visible_numbers(), "form": form},
        status=status,
    )
