"""The trunks of an organization: connecting one, testing it, and what is left to do."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from assistants.sovereignty import OutsideRegion
from calls import readiness
from calls.models import Trunk
from calls.queries import get_trunk, visible_trunks
from calls.services import trunk_checks, trunks
from calls.telephony.forwarding import PROVIDERS, filled, provider_of
from calls.trunk_forms import TrunkForm
from portal.http import MemberRequest
from portal.permissions import Permission, requires
from portal.sudo import sudo

STOP_POLLING = 286


@require_GET
@requires(Permission.ASSISTANTS_READ)
def trunk_list(request: MemberRequest) -> HttpResponse:
    """Every trunk of the organization, with what it is used for."""
    rows = visible_trunks().prefetch_related("numbers")
    return render(request, "calls/trunk_list.html", {"rows": rows})


@require_http_methods(["GET", "POST"])
@requires(Permission.ASSISTANTS_EDIT)
@sudo
def trunk_new(request: MemberRequest) -> HttpResponse:
    """Connect a trunk; `?provider=` starts the form with what that carrier needs."""
    provider = provider_of(request.GET.get("provider", ""))
    form = TrunkForm(
        request.POST if request.method == "POST" else None,
        initial={
            "provider": provider.name,
            "name": str(provider.label) if provider.name != "other" else "",
            "address": provider.host,
            "transport": provider.transport,
            "registers": provider.registers,
            "number_format": provider.number_format,
            "calls_per_second": provider.calls_per_second,
            "inbound_addresses": "\n".join(provider.inbound_addresses),
        },
    )
    if request.method == "POST" and form.is_valid():
        try:
            trunk = trunks.add_trunk(
                organization=request.organization,
                values=form.values(),
                actor=request.user,
            )
        except OutsideRegion as refusal:
            form.refuse_places(refusal)
        else:
            messages.success(request, _("Saved. Test the connection next."))
            return redirect("trunk_detail", trunk.pk)
    return _form_page(request, form, None, provider.name)


@require_http_methods(["GET", "POST"])
@requires(Permission.ASSISTANTS_EDIT)
@sudo
def trunk_edit(request: MemberRequest, trunk_id: UUID) -> HttpResponse:
    """Change a trunk; calls that go on are left alone."""
    trunk = get_trunk(trunk_id)
    form = TrunkForm(request.POST if request.method == "POST" else None, trunk=trunk)
    if request.method == "POST" and form.is_valid():
        try:
            trunks.change_trunk(trunk=trunk, changes=form.values(), actor=request.user)
        except OutsideRegion as refusal:
            form.refuse_places(refusal)
        else:
            messages.success(request, _("Saved. The next call uses it."))
            return redirect("trunk_detail", trunk.pk)
    return _form_page(request, form, trunk, trunk.provider)


@require_GET
@requires(Permission.ASSISTANTS_READ)
def trunk_detail(request: MemberRequest, trunk_id: UUID) -> HttpResponse:
    """One trunk: is it ready, what did the last test see, how to set the carrier up."""
    trunk = get_trunk(trunk_id)
    checklist = readiness.trunk_checklist(trunk)
    numbers = list(trunk.numbers.all())
    provider = provider_of(trunk.provider)
    values = instruction_values(
        number=numbers[0].number if numbers else "", trunk=trunk
    )
    return render(
        request,
        "calls/trunk_detail.html",
        {
            **_checked(trunk),
            "checklist": checklist,
            "steps_left": readiness.shown(checklist),
            "numbers": numbers,
            "provider": provider,
            "inbound": filled(provider.inbound, values),
            "outbound": filled(provider.outbound, values),
            "snippet": "".join(filled((provider.snippet,), values)),
            "sip_address": sip_address(),
            "facts": _facts(trunk),
        },
    )


@require_POST
@requires(Permission.ASSISTANTS_EDIT)
def trunk_test(request: MemberRequest, trunk_id: UUID) -> HttpResponse:
    """Have the connection tested; the page shows what is seen as it comes."""
    trunk = get_trunk(trunk_id)
    if not trunk_checks.is_running(trunk):
        trunk_checks.ask_for_check(trunk=trunk, actor=request.user)
    return redirect("trunk_detail", trunk.pk)


@require_GET
@requires(Permission.ASSISTANTS_READ)
def trunk_check(request: MemberRequest, trunk_id: UUID) -> HttpResponse:
    """What the test has seen so far; 286 ends the polling once it is over.

    What is left to do comes along then, for a good test is a step of it.
    """
    trunk = get_trunk(trunk_id)
    if trunk_checks.is_running(trunk):
        return render(request, "calls/trunk_detail.html#check", _checked(trunk))
    left = readiness.shown(readiness.trunk_checklist(trunk))
    return render(
        request,
        "calls/trunk_detail.html#check",
        _checked(trunk) | {"steps_left": left, "is_news": True},
        status=STOP_POLLING,
    )


@require_POST
@requires(Permission.ASSISTANTS_EDIT)
@sudo
def trunk_delete(request: MemberRequest, trunk_id: UUID) -> HttpResponse:
    """Forget a trunk that no number uses."""
    trunk = get_trunk(trunk_id)
    try:
        trunks.remove_trunk(trunk=trunk, actor=request.user)
    except trunks.TrunkInUse as error:
        messages.error(
            request,
            _("Numbers still use this trunk: %(numbers)s. Give them another first.")
            % {"numbers": str(error)},
        )
        return redirect("trunk_detail", trunk.pk)
    messages.success(request, _("%(name)s was removed.") % {"name": trunk.name})
    return redirect("trunk_list")


def sip_address() -> str:
    """Return where this installation takes SIP calls; empty while nothing listens."""
    host = settings.SIP_PUBLIC_ADDRESS or settings.SIP_HOST
    if not host or ip_address(host).is_unspecified:
        return ""
    bracketed = f"[{host}]" if ":" in host else host
    return f"{bracketed}:{settings.SIP_PORT}"


def instruction_values(*, number: str, trunk: Trunk | None) -> dict[str, str]:
    """Return what instructions call the reader's own things."""
    address = sip_address()
    values = {"address": address, "address_host": address.rpartition(":")[0]}
    if number:
        values |= {"number": number, "number_digits": number.removeprefix("+")}
    if trunk is not None:
        url = str(settings.STREAM_PUBLIC_URL).rstrip("/")
        if url:
            values["voice_url"] = f"{url}/twilio/voice/{trunk.pk}"
            values["events_url"] = f"{url}/telnyx/events/{trunk.pk}"
        values |= {"host": trunk.host, "username": trunk.auth_username or "…"}
    return {name: value for name, value in values.items() if value}


def _checked(trunk: Trunk) -> dict[str, Any]:
    return {
        "trunk": trunk,
        "is_running": trunk_checks.is_running(trunk),
        "was_lost": trunk.check_result.get("state") == "running",
        "check_steps": trunk_checks.shown_steps(trunk),
    }


def _form_page(
    request: MemberRequest, form: TrunkForm, trunk: Trunk | None, provider: str
) -> HttpResponse:
    return render(
        request,
        "calls/trunk_form.html",
        {
            "form": form,
            "trunk": trunk,
            "providers": PROVIDERS,
            "provider": provider_of(provider),
        },
        status=422 if form.errors else 200,
    )


def _facts(trunk: Trunk) -> list[dict[str, Any]]:
    shown = [
        (_("Address"), trunk.address),
        (_("Transport"), trunk.get_transport_display()),
        (_("Computes in"), trunk.get_data_region_display() if not trunk.host else ""),
        (_("User name"), trunk.auth_username),
        (_("Password"), trunk.password_hint),
        (_("Registers"), _("Yes") if trunk.registers else _("No")),
        (_("Calls come in from"), ", ".join(trunk.inbound_addresses)),
        (_("People you call see"), trunk.get_caller_id_display()),
        (_("Its own number"), trunk.outbound_number),
        (_("Numbers are written"), trunk.get_number_format_display()),
        (_("Audio formats"), ", ".join(trunk.codecs) or _("All")),
        (_("Audio is encrypted"), _("Yes") if trunk.srtp else _("No")),
        (_("Domain"), trunk.domain),
        (_("Calls at once"), str(trunk.max_channels)),
        (_("New calls a second"), str(trunk.calls_per_second)),
    ]
    return [{"label": label, "value": value} for label, value in shown if value]
