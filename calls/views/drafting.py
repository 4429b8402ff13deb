"""Describing what an assistant is for, and looking at what a model makes of it."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST
from pydantic import ValidationError

from assistants.differences import differences
from assistants.editing import keep_spec
from assistants.models import Assistant
from assistants.pages import page_of
from assistants.proposals import PARTS, Proposal, proposed_spec
from assistants.queries import get_assistant
from assistants.services import working_spec
from calls.services.dictation import MAX_BYTES, BadSound, NoListener, write_down
from calls.services.drafting import (
    MAX_WISH,
    PER_HOUR,
    NoModel,
    NoProposal,
    VendorRefused,
    is_on_own_key,
    mind_at_hand,
    propose,
    wait_to_ask_s,
)
from portal.api.errors import error_body
from portal.headers import uses_microphone
from portal.http import MemberRequest
from portal.permissions import Permission, requires

TOO_OFTEN: Final = gettext_lazy("This was asked too often. Try again later.")

_LABELS: Final = {
    "instructions": gettext_lazy("Instructions"),
    "first_message": gettext_lazy("First message"),
    "tools": gettext_lazy("Tools"),
    "analysis": gettext_lazy("Analysis"),
}


class WishForm(forms.Form):
    """What the assistant is to do, in a person's own words."""

    wish = forms.CharField(
        label=gettext_lazy("Describe what you need"),
        max_length=MAX_WISH,
        widget=forms.Textarea({"rows": 6}),
        help_text=gettext_lazy(
            "Whom it speaks for, what callers want, what it may do, and when a person "
            "takes over."
        ),
    )


class KeepForm(forms.Form):
    """Which parts of a proposal are taken."""

    proposal = forms.CharField(widget=forms.HiddenInput(), max_length=500_000)
    parts = forms.MultipleChoiceField(
        label=gettext_lazy("What to take"),
        choices=list(_LABELS.items()),
        widget=forms.CheckboxSelectMultiple,
        initial=list(PARTS),
    )

    def clean_proposal(self) -> Proposal:
        try:
            return Proposal.model_validate_json(self.cleaned_data["proposal"])
        except ValidationError as error:
            raise forms.ValidationError(_("This proposal cannot be read.")) from error


@require_http_methods(["GET", "POST"])
@requires(Permission.ASSISTANTS_EDIT)
@uses_microphone
def assistant_describe(request: MemberRequest, assistant_id: UUID) -> HttpResponse:
    """Say what is needed; see what a model proposes, beside what there is."""
    assistant = get_assistant(assistant_id)
    spec = working_spec(assistant)
    form = WishForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        proposal = _proposed(request, assistant, form)
        if proposal is not None:
            keep = KeepForm(initial={"proposal": proposal.model_dump_json()})
            return _reviewed(request, assistant, keep, proposal)
    mind = mind_at_hand(request.organization, spec)
    context = page_of(request, assistant) | {
        "form": form,
        "mind": mind,
        "is_own_key": mind is not None and is_on_own_key(request.organization, mind),
        "per_hour": PER_HOUR,
        "dictate_url": reverse("assistant_dictate", args=[assistant.pk]),
    }
    return render(
        request,
        "calls/assistant_describe.html",
        context,
        status=422 if form.errors else 200,
    )


@require_POST
@requires(Permission.ASSISTANTS_EDIT)
def assistant_describe_keep(request: MemberRequest, assistant_id: UUID) -> HttpResponse:
    """Put the parts that were chosen into the draft."""
    assistant, form = get_assistant(assistant_id), KeepForm(request.POST)
    if not form.is_valid():
        if "proposal" in form.cleaned_data:
            return _reviewed(request, assistant, form, form.cleaned_data["proposal"])
        messages.error(request, _("This proposal cannot be read."))
        return redirect("assistant_describe", assistant.pk)
    data = form.cleaned_data
    spec = proposed_spec(working_spec(assistant), data["proposal"], data["parts"])
    keep_spec(assistant=assistant, spec=spec, actor=request.user, as_draft=True)
    messages.success(
        request, _("Kept in the draft. Give new tools an address, then publish.")
    )
    return redirect("assistant_compare", assistant.pk)


@require_POST
@requires(Permission.ASSISTANTS_EDIT)
def assistant_dictate(request: MemberRequest, assistant_id: UUID) -> JsonResponse:
    """Answer what was said in a recording, or say why not; nothing is kept."""
    assistant = get_assistant(assistant_id)
    if wait_to_ask_s(request.organization):
        return JsonResponse(error_body("invalid_request", str(TOO_OFTEN)), status=429)
    sound = request.FILES.get("sound")
    if sound is None or (sound.size or 0) > MAX_BYTES:
        text = _("Record up to two minutes.")
        return JsonResponse(error_body("invalid_request", text), status=400)
    try:
        said = write_down(
            organization=request.organization,
            spec=working_spec(assistant),
            sound=sound.read(),
        )
    except BadSound:
        text = _("This recording cannot be read. Try again, or type.")
        return JsonResponse(error_body("invalid_request", text), status=400)
    except NoListener:
        text = _("No speech recognition is set up. Type what you need.")
        return JsonResponse(error_body("invalid_request", text), status=409)
    except VendorRefused as error:
        return JsonResponse(error_body("invalid_request", str(error)), status=502)
    return JsonResponse({"text": said})


def _proposed(
    request: MemberRequest, assistant: Assistant, form: WishForm
) -> Proposal | None:
    """Return a model's proposal; None, and the reason beside the field, without one."""
    if wait_to_ask_s(request.organization):
        form.add_error("wish", TOO_OFTEN)
        return None
    try:
        return propose(
            organization=request.organization,
            spec=working_spec(assistant),
            wish=form.cleaned_data["wish"],
            actor=request.user,
        )
    except NoModel:
        form.add_error(
            "wish", _("No language model is set up that could think about it.")
        )
    except NoProposal as error:
        form.add_error(
            "wish",
            _("The model’s answer could not be used (%(reason)s). Try again.")
            % {"reason": error},
        )
    except VendorRefused as error:
        form.add_error("wish", str(error))
    return None


def _reviewed(
    request: MemberRequest, assistant: Assistant, form: KeepForm, proposal: Proposal
) -> HttpResponse:
    spec = working_spec(assistant)
    context: dict[str, Any] = page_of(request, assistant) | {
        "form": form,
        "changes": differences(spec, proposed_spec(spec, proposal)),
    }
    return render(
        request,
        "calls/assistant_proposal.html",
        context,
        status=422 if form.errors else 200,
    )
