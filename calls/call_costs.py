"""What a call cost, stage by stage, as its entry of the ledger says."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext as _, gettext_lazy

from billing.queries import entry_of_call
from calls.models import Call
from common.local_numbers import local_credits

STAGES: Final = {
    "stt": gettext_lazy("Recognition"),
    "llm": gettext_lazy("Model"),
    "tts": gettext_lazy("Voice"),
    "realtime": gettext_lazy("Speech model"),
}


def cost_lines(call: Call) -> list[dict[str, Any]]:
    """Return the lines of a call's cost; none while it goes on or when it was free."""
    entry = entry_of_call(call.pk, call.organization_id)
    if entry is None:
        return []
    details = entry.details
    lines = [
        {
            "label": _("Time"),
            "note": _("%(seconds)s seconds at %(price)s a minute")
            % {
                "seconds": details["seconds"],
                "price": local_credits(details["microcredits_per_minute"]),
            },
            "microcredits": call.cost_microcredits
            - details.get("model_microcredits", 0),
        }
    ]
    charged = details.get("model_microcredits", 0)
    models = [one for one in details.get("models", []) if one["microcredits"]]
    paid = [one for one in models if one["payer"] != "organization"]
    whole = sum(one["microcredits"] for one in paid)
    left = charged
    for number, one in enumerate(paid, 1):
        # The parts of what was charged for models, the last one the rest.
        part = charged * one["microcredits"] // whole if number < len(paid) else left
        left -= part
        lines.append(
            {
                "label": STAGES.get(one["stage"], one["stage"]),
                "note": f"{_(one['provider'])} {one['model']}".strip(),
                "microcredits": part,
            }
        )
    for one in models:
        if one["payer"] == "organization":
            lines.append(
                {
                    "label": STAGES.get(one["stage"], one["stage"]),
                    "note": _("%(vendor)s, on your own key")
                    % {"vendor": one["provider"]},
                    "microcredits": 0,
                }
            )
    return lines
