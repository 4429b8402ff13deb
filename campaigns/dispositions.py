"""The results conversations of a campaign may have, beyond that somebody was reached.

An analysis finds one: the fact called `disposition`, of the choices its assistant fixes.
"""

from __future__ import annotations

from campaigns.models import Campaign
from campaigns.retries import DISPOSITION


def known_dispositions(campaign: Campaign) -> list[str]:
    """Return every result that an assistant of the campaign, or a rule of it, names."""
    names: dict[str, None] = {}
    for assistant in (campaign.assistant, campaign.variant_assistant):
        version = assistant.current_version if assistant else None
        plan = version.spec.analysis_plan if version else None
        names |= dict.fromkeys(plan.dispositions if plan else ())
    for rule in campaign.retry_policy.rules:
        if rule.startswith(DISPOSITION):
            names.setdefault(rule.removeprefix(DISPOSITION))
    return list(names)
