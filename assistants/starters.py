"""The tools and analyses that come with the product, to be copied."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from assistants.tool_shapes import NAME_PATTERN

_FILE: Final = Path(__file__).with_name("starters.toml")


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StarterField(_Entry):
    """One property of a schema."""

    name: str = Field(pattern=NAME_PATTERN)
    type: str
    description: str
    required: bool = False
    choices: tuple[str, ...] = ()


class Starter(_Entry):
    """A tool or an analysis."""

    slug: str = Field(pattern=NAME_PATTERN)
    name: str
    description: str
    fields: tuple[StarterField, ...]
    message: str | None = None
    run_async: bool = False

    @property
    def object_schema(self) -> dict[str, Any]:
        """The fields as a JSON Schema."""
        properties = {}
        for field in self.fields:
            properties[field.name] = {
                "type": field.type,
                "description": field.description,
                **({"enum": list(field.choices)} if field.choices else {}),
            }
        return {
            "type": "object",
            "properties": properties,
            "required": [field.name for field in self.fields if field.required],
        }


class Starters(_Entry):
    tools: tuple[Starter, ...]
    analyses: tuple[Starter, ...]


@cache
def starters() -> Starters:
    """What comes with the product, read once per process."""
    return Starters.model_validate(tomllib.loads(_FILE.read_text(encoding="utf-8")))


def tool_config_of(starter: Starter) -> dict[str, Any]:
    """Return a starter tool as a template's config; its address is the owner's to give."""
    return {
        "name": starter.slug,
        "description": starter.description,
        "parameters": starter.object_schema,
        "async": starter.run_async,
        "message": starter.message,
    }
