"""Which variables the words of a campaign need, and how many people lack them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Count, Q, TextField, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce

from assistants.rendering import variables_in
from campaigns.models import Campaign, Lead


def variables_of(campaign: Campaign, template: str | None = None) -> set[str]:
    """Return every variable that a call of this campaign says or is told.

    `template` stands for the campaign's own instructions while they are being written.
    """
    own = campaign.system_message_template if template is None else template
    return {name for text in _words(campaign, own) for name in variables_in(text)}


def count_missing(campaign: Campaign) -> dict[str, int]:
    """Return for how many of those who wait each variable is empty; `{}` of none.

    One query over the campaign, however many variables there are.
    """
    wanted = sorted(variables_of(campaign) - {"phone_number"})
    if not wanted:
        return {}
    waiting = Lead.objects.filter(campaign=campaign, status=Lead.Status.PENDING)
    values: dict[str, Any] = {
        f"value_{n}": Coalesce(
            KeyTextTransform(name, "variables"), Value(""), output_field=TextField()
        )
        for n, name in enumerate(wanted)
        if name != "name"
    }
    empty = {
        f"count_{n}": Count(
            "pk", filter=Q(name="") if name == "name" else Q(**{f"value_{n}": ""})
        )
        for n, name in enumerate(wanted)
    }
    found = waiting.order_by().annotate(**values).aggregate(**empty)
    counts = {name: found[f"count_{n}"] for n, name in enumerate(wanted)}
    return {name: count for name, count in counts.items() if count}


def _words(campaign: Campaign, instructions: str) -> Iterator[str]:
    """Give what `rendered_spec` fills in for a call that goes out."""
    yield instructions
    for assistant in (campaign.assistant, campaign.variant_assistant):
        version = assistant.current_version if assistant else None
        if version is None:
            continue
        spec = version.spec
        first = spec.speech_config.first_message_outbound or spec.first_message
        yield first or ""
        if not instructions:
            yield spec.llm_config.instructions
