"""Where the data of an assistant's calls goes: drawn, and as a record to download."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import slugify
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.http import require_GET

from assistants.catalogue import Region
from assistants.models import Assistant
from assistants.queries import get_assistant
from assistants.sovereignty import Content, Flow, is_allowed
from calls.flows import flows_of
from portal.http import MemberRequest
from portal.permissions import Permission, requires
from portal.policy import Policy, RegionRule
from portal.privacy_form import CATEGORY_LABELS
from portal.services.privacy import policy_of

_PLACES: Final = (
    (Region.OWN, gettext_lazy("Own servers")),
    (Region.EU, gettext_lazy("European Union")),
    (Region.NON_EU, gettext_lazy("Outside the European Union")),
    (None, gettext_lazy("Addresses of your own")),
)
_CONTENTS: Final = {
    Content.AUDIO: gettext_lazy("Sound"),
    Content.TEXT: gettext_lazy("Text"),
    Content.AUDIO_AND_TEXT: gettext_lazy("Sound and text"),
    Content.METADATA_AND_TEXT: gettext_lazy("Text and details of the call"),
    Content.CALL: gettext_lazy("The call itself"),
}


@dataclass(frozen=True)
class ShownFlow:
    """A flow as the drawing shows it."""

    receiver: str
    purpose: str | Promise
    content: str
    icon: str
    is_fallback: bool
    is_allowed: bool
    is_outside: bool = False  # allowed all the same: a person the caller is handed to


@dataclass(frozen=True)
class Place:
    """Receivers that are in one region."""

    label: Any
    flows: list[ShownFlow]


@require_GET
@requires(Permission.ASSISTANTS_READ)
def assistant_data(request: MemberRequest, assistant_id: UUID) -> HttpResponse:
    """The drawing."""
    assistant = get_assistant(assistant_id)
    policy = policy_of(request.organization)
    context = {
        "assistant": assistant,
        "places": places(assistant, policy),
        "facts": [
            {"label": label, "value": value} for label, value in kept_facts(policy)
        ],
    }
    return render(request, "assistants/assistant_data.html", context)


@require_GET
@requires(Permission.ASSISTANTS_READ)
def assistant_data_record(request: MemberRequest, assistant_id: UUID) -> HttpResponse:
    """The same as text, for a record of processing activities (GDPR, article 30)."""
    assistant = get_assistant(assistant_id)
    policy = policy_of(request.organization)
    now = timezone.localtime()
    lines = [
        _("Record of processing: %(name)s") % {"name": assistant.name},
        f"{request.organization.name} · {now:%Y-%m-%d %H:%M %Z}",
        "",
    ]
    for place in places(assistant, policy):
        lines += [str(place.label), "-" * len(str(place.label))]
        lines += [f"* {_in_words(flow)}" for flow in place.flows]
        lines.append("")
    lines += [f"{label}: {value}" for label, value in kept_facts(policy)]
    response = HttpResponse("\n".join([*lines, ""]), content_type="text/plain")
    name = slugify(assistant.name) or "assistant"
    response["Content-Disposition"] = f'attachment; filename="{name}-processing.txt"'
    return response


def _in_words(flow: ShownFlow) -> str:
    notes = [flow.content]
    if flow.is_fallback:
        notes.append(_("only when another fails"))
    if flow.is_outside:
        notes.append(_("outside the allowed region"))
    return f"{flow.receiver}: {flow.purpose} ({'; '.join(notes)})"


def places(assistant: Assistant, policy: Policy) -> list[Place]:
    """Return the receivers of an assistant's data by region, empty regions left out."""
    flows = flows_of(assistant)
    found = []
    for region, label in _PLACES:
        shown = [_shown(flow, policy) for flow in flows if flow.region is region]
        if region is Region.OWN:
            shown.insert(0, _ourselves(policy))
        if shown:
            found.append(Place(label, shown))
    return found


def _shown(flow: Flow, policy: Policy) -> ShownFlow:
    return ShownFlow(
        receiver=flow.receiver or _("Unknown address"),
        purpose=flow.purpose,
        content=str(_CONTENTS[flow.content]),
        icon=_icon_of(flow.content),
        is_fallback=flow.is_fallback,
        is_allowed=is_allowed(flow, policy),
        is_outside=_is_outside(flow, policy),
    )


def _icon_of(content: Content) -> str:
    if content is Content.CALL:
        return "phone"
    return "mic" if "audio" in content else "file"


def _is_outside(flow: Flow, policy: Policy) -> bool:
    """Whether a person outside the rule's region may be reached all the same."""
    if policy.regions is RegionRule.ANYWHERE or not is_allowed(flow, policy):
        return False
    return flow.handover is not None and flow.region is Region.NON_EU


def _ourselves(policy: Policy) -> ShownFlow:
    return ShownFlow(
        receiver=_("This installation"),
        purpose=_("Carrying the call")
        if policy.gdpr_mode
        else _("Carrying the call, keeping its transcript and recording"),
        content=str(_CONTENTS[Content.AUDIO_AND_TEXT]),
        icon="phone",
        is_fallback=False,
        is_allowed=True,
    )


def kept_facts(policy: Policy) -> list[tuple[str, str]]:
    """Return how long what is kept, as label and words."""
    if policy.gdpr_mode:
        content = _("not kept after its report")
    else:
        content = _("%(days)d days") % {"days": policy.content_days}
    categories = [str(CATEGORY_LABELS[name]) for name in sorted(policy.redacted)]
    return [
        (_("Transcript, summary and recording"), content),
        (
            _("Numbers and events"),
            _("made unreadable after the call")
            if policy.gdpr_mode
            else _("%(days)d days") % {"days": policy.metadata_days},
        ),
        (_("Taken out before storing"), ", ".join(categories) or _("nothing")),
        (_("Says that it is an AI"), _("yes") if policy.discloses_ai else _("no")),
        (_("Legal hold"), _("yes") if policy.is_on_hold else _("no")),
    ]
