"""The tools, analyses and assistants that come with the product, to be copied.

What each consists of stands once, in `shapes.toml`; what it is called and says stands in
`words/`, a file for each language. A language that lacks a word, or has one too many, is
refused when it is read.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from assistants.tool_shapes import NAME_PATTERN

_HERE: Final = Path(__file__).parent
_WORDS: Final = {path.stem: path for path in _HERE.glob("words/*.toml")}
FALLBACK: Final = "en"


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


class StarterAssistant(_Entry):
    """What a new assistant begins with; whose models it uses is chosen elsewhere."""

    slug: str = Field(pattern=NAME_PATTERN)
    name: str
    description: str
    first_message: str
    instructions: str


class Starters(_Entry):
    tools: tuple[Starter, ...]
    analyses: tuple[Starter, ...]
    assistants: tuple[StarterAssistant, ...]


def spoken(*wanted: str) -> str:
    """Return the first of these that starters speak, "de" for "de-AT"; else English."""
    plain = (language.lower().partition("-")[0] for language in wanted)
    return next((language for language in plain if language in _WORDS), FALLBACK)


@cache
def starters(language: str) -> Starters:
    """What comes with the product in a language, read once per process."""
    shapes = _read(_HERE / "shapes.toml")
    words = _read(_WORDS[spoken(language)])
    if shapes.keys() != words.keys():
        raise ValueError(f"{language}: not the kinds of the shapes")
    return Starters.model_validate(
        {kind: _worded(shapes[kind], words[kind]) for kind in shapes}
    )


def tool_config_of(starter: Starter) -> dict[str, Any]:
    """Return a starter tool as a template's config; its address is the owner's to give."""
    return {
        "name": starter.slug,
        "description": starter.description,
        "parameters": starter.object_schema,
        "async": starter.run_async,
        "message": starter.message,
    }


def _worded(shapes: list[dict[str, Any]], words: dict[str, Any]) -> list[Any]:
    """Put the words of a language to shapes, each by its slug."""
    if [shape["slug"] for shape in shapes] != list(words):
        raise ValueError("not the starters of the shapes, in their order")
    made = []
    for shape in shapes:
        said = dict(words[shape["slug"]])
        parts = said.pop("fields", {}), said.pop("choices", {})
        if "fields" in shape:
            said["fields"] = _fields(shape["fields"], *parts)
        made.append(shape | said)
    return made


def _fields(
    shapes: list[dict[str, Any]],
    descriptions: dict[str, str],
    choices: dict[str, list[str]],
) -> list[dict[str, Any]]:
    counts = {one["name"]: one["choices"] for one in shapes if "choices" in one}
    if counts != {name: len(listed) for name, listed in choices.items()}:
        raise ValueError(f"not as many choices as the shapes: {sorted(choices)}")
    if [one["name"] for one in shapes] != list(descriptions):
        raise ValueError(f"not the fields of the shapes: {sorted(descriptions)}")
    return [
        {
            **one,
            "description": descriptions[one["name"]],
            "choices": choices.get(one["name"], ()),
        }
        for one in shapes
    ]


def _read(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))
