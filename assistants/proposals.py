"""What a model proposes for an assistant, and the assistant it would make.

A proposal is another's text: every name is made one that can be, every limit holds, and
nothing of it is saved before a person has looked at what it changes.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any, Final, Literal

from pydantic import Field

from assistants.analysis_plan import AnalysisPlan, StructuredDataPlan
from assistants.part import Part
from assistants.porting.matching import function_name
from assistants.spec import AssistantSpec, Message
from assistants.tool_shapes import (
    MAX_TOOLS,
    FunctionDefinition,
    FunctionTool,
)

MAX_PROPOSED: Final = 20
PARTS: Final = ("instructions", "first_message", "tools", "analysis")
Kind = Literal["string", "number", "integer", "boolean"]


class ProposedField(Part):
    """One thing that a function takes, or that is found out after a call."""

    name: str = Field(min_length=1, max_length=200)
    kind: Kind = "string"
    description: str = Field(default="", max_length=500)
    required: bool = False


class ProposedTool(Part):
    """A function that the assistant would call."""

    name: str = Field(min_length=1, max_length=200)
    description: str = Field(default="", max_length=2_000)
    message: str = Field(default="", max_length=300)
    fields: tuple[ProposedField, ...] = Field(default=(), max_length=MAX_PROPOSED)


class Proposal(Part):
    """Everything that was proposed."""

    instructions: str = Field(min_length=1, max_length=50_000)
    first_message: str = Field(default="", max_length=2_000)
    tools: tuple[ProposedTool, ...] = Field(default=(), max_length=MAX_PROPOSED)
    facts: tuple[ProposedField, ...] = Field(default=(), max_length=MAX_PROPOSED)


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_TEXT: Final = {"type": "string"}
_FIELD: Final = _object(
    name=_TEXT,
    kind={"type": "string", "enum": ["string", "number", "integer", "boolean"]},
    description=_TEXT,
    required={"type": "boolean"},
)
# What a model is asked for: strict models are held to it.
SHAPE: Final = _object(
    instructions=_TEXT,
    first_message=_TEXT,
    tools={
        "type": "array",
        "items": _object(
            name=_TEXT,
            description=_TEXT,
            message=_TEXT,
            fields={"type": "array", "items": _FIELD},
        ),
    },
    facts={"type": "array", "items": _FIELD},
)


def proposed_spec(
    spec: AssistantSpec, proposal: Proposal, parts: Container[str] = PARTS
) -> AssistantSpec:
    """Return the assistant with these parts of a proposal.

    Instructions and first message are replaced; functions are added to those there
    are, and facts take the place of those that are found now.
    """
    llm, changes = spec.llm_config, dict[str, Any]()
    if "instructions" in parts:
        others = tuple(m for m in llm.messages if m.role != "system")
        told = Message(role="system", content=proposal.instructions)
        llm = llm.model_copy(update={"messages": (told, *others)})
    if "tools" in parts:
        llm = llm.model_copy(update={"tools": _with_functions(spec, proposal.tools)})
    if "first_message" in parts and proposal.first_message:
        changes["first_message"] = proposal.first_message
    if "analysis" in parts and proposal.facts:
        plan = spec.analysis_plan or AnalysisPlan()
        facts = StructuredDataPlan(schema=_schema(proposal.facts))
        changes["analysis_plan"] = plan.model_copy(
            update={"structured_data_plan": facts}
        )
    return spec.model_copy(update={**changes, "llm_config": llm})


def _with_functions(
    spec: AssistantSpec, proposed: Sequence[ProposedTool]
) -> tuple[Any, ...]:
    tools = list(spec.llm_config.tools)
    names = {tool.name for tool in tools}
    for one in proposed:
        name = function_name(one.name)
        if name in names or len(tools) >= MAX_TOOLS:
            continue
        names.add(name)
        definition = FunctionDefinition(
            name=name,
            description=one.description,
            parameters=_schema(one.fields) if one.fields else {},
        )
        tools.append(FunctionTool(function=definition, message=one.message or None))
    return tuple(tools)


def _schema(fields: Sequence[ProposedField]) -> dict[str, Any]:
    named = {function_name(one.name): one for one in fields}
    properties = {
        name: {"type": one.kind}
        | ({"description": one.description} if one.description else {})
        for name, one in named.items()
    }
    required = [name for name, one in named.items() if one.required]
    return {"type": "object", "properties": properties, "required": required}
