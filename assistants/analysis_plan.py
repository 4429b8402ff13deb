"""What to find out after a call: the schema of `analysis_plan`, and its placeholders.

Placeholders may stand in one pair of braces or two: `{transcript}`, `{{transcript}}`.
Only known names are placeholders, so JSON in a prompt stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

from pydantic import Field, model_validator

from assistants.part import Part
from assistants.tool_shapes import ObjectSchema

PLACEHOLDERS: Final = (
    "transcript",
    "summary",
    "duration",
    "caller_number",
    "schema",
    "ended_reason",
    "assistant_name",
)
MAX_MESSAGES: Final = 10
DISPOSITION: Final = "disposition"
MAX_DISPOSITION: Final = 40
_NAMES: Final = "|".join(PLACEHOLDERS)
_PLACEHOLDER: Final = re.compile(rf"\{{\{{\s*({_NAMES})\s*\}}\}}|\{{({_NAMES})\}}")


class PromptMessage(Part):
    """One message to the model that analyses."""

    role: Literal["system", "user"]
    content: str = Field(max_length=20_000)


class SummaryPlan(Part):
    """A few sentences about the call, for every call above the threshold."""

    enabled: bool = True
    messages: tuple[PromptMessage, ...] = Field(default=(), max_length=MAX_MESSAGES)


class StructuredDataPlan(Part):
    """Facts of the call in the shape of a JSON Schema. `schema` in the API."""

    enabled: bool = True
    json_schema: ObjectSchema = Field(default_factory=dict, alias="schema")
    messages: tuple[PromptMessage, ...] = Field(default=(), max_length=MAX_MESSAGES)

    @model_validator(mode="after")
    def _has_something_to_find(self) -> StructuredDataPlan:
        if self.enabled and not self.json_schema.get("properties"):
            raise ValueError(
                "Give a schema with properties, or switch structured data off."
            )
        return self


class SuccessPlan(Part):
    """Whether the call reached its goal, judged by these words."""

    enabled: bool = True
    criteria: str = Field(default="", max_length=4_000)


class AnalysisPlan(Part):
    """Everything that is found out after a call.

    Without a model the catalogue's after-call model of the assistant's own provider is
    used.
    """

    summary_plan: SummaryPlan = SummaryPlan()
    structured_data_plan: StructuredDataPlan | None = None
    success_evaluation_plan: SuccessPlan | None = None
    min_messages_threshold: int = Field(default=2, ge=0, le=100)
    provider: str | None = Field(default=None, max_length=40)
    model: str | None = Field(default=None, max_length=100)

    @property
    def dispositions(self) -> tuple[str, ...]:
        """The results a call may have: the fixed choices of the fact `disposition`.

        Only what was chosen beforehand counts, so that nothing said becomes one.
        """
        wanted = self.structured_data_plan
        if wanted is None or not wanted.enabled:
            return ()
        shape = wanted.json_schema.get("properties", {}).get(DISPOSITION)
        choices = shape.get("enum") if isinstance(shape, Mapping) else None
        return tuple(
            one
            for one in (choices if isinstance(choices, list | tuple) else ())
            if isinstance(one, str) and 0 < len(one) <= MAX_DISPOSITION
        )


def fill_prompt(template: str, values: Mapping[str, str]) -> str:
    """Replace the placeholders; what came in through one is not looked at again."""
    return _PLACEHOLDER.sub(
        lambda found: values.get(found.group(1) or found.group(2), ""), template
    )


def placeholders_in(template: str) -> set[str]:
    """Return the names of the placeholders used."""
    return {one or two for one, two in _PLACEHOLDER.findall(template)}
