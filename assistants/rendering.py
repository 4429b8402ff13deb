"""Filling an assistant's words with what is known of one call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from assistants.spec import AssistantSpec, Message

_VARIABLE: Final = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_.-]*)\s*\}\}")


def variables_in(template: str) -> set[str]:
    """Return the names used as `{{name}}`."""
    return set(_VARIABLE.findall(template))


def fill(template: str, variables: Mapping[str, Any]) -> str:
    """Replace every `{{name}}`; a name that is not known becomes nothing at all.

    Text that came in through a variable is not looked at again.
    """
    return _VARIABLE.sub(lambda match: str(variables.get(match.group(1), "")), template)


def rendered_spec(
    spec: AssistantSpec,
    *,
    variables: Mapping[str, Any],
    overrides: Mapping[str, Any],
    is_outbound: bool,
) -> AssistantSpec:
    """Return the assistant as this call will hear it.

    `overrides` may hold `first_message` and `instructions`, which replace the
    assistant's own for one call.
    """
    first = spec.first_message
    if is_outbound and spec.speech_config.first_message_outbound:
        first = spec.speech_config.first_message_outbound
    first = overrides.get("first_message") or first
    messages = spec.llm_config.messages
    if instructions := overrides.get("instructions"):
        others = tuple(m for m in messages if m.role != "system")
        messages = (Message(role="system", content=instructions), *others)
    filled = tuple(
        m.model_copy(update={"content": fill(m.content, variables)}) for m in messages
    )
    return spec.model_copy(
        update={
            "first_message": fill(first, variables) if first else None,
            "llm_config": spec.llm_config.model_copy(update={"messages": filled}),
        }
    )
