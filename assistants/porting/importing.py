"""Making an assistant of a document, ours or another system's.

A document of ours is held to every limit: what is wrong with it is an error. Another
system's has limits of its own: a value that cannot be here is left out and listed. The
privacy policy holds for both, and refuses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _
from pydantic import ValidationError

from assistants.catalogue import CatalogueError, validate_spec
from assistants.completion import completed
from assistants.faults import NotSound, faults_of
from assistants.keys import keys_at_hand
from assistants.porting import elevenlabs, own, retell, vapi
from assistants.porting.reading import MAX_NOTES, Note, Source, shown, written
from assistants.spec import AssistantSpec
from assistants.tool_checks import tool_faults
from portal.api.errors import param_path
from portal.services.privacy import policy_in_scope

MAX_CHARACTERS: Final = 1_000_000
_MAX_DROPPED: Final = 100
_SYSTEMS: Final = {
    "portavoce": own,
    "elevenlabs": elevenlabs,
    "retell": retell,
    "vapi": vapi,
}
# A spec is nothing without these; a fault in one cannot be left out.
_NEEDED: Final = frozenset({"name", "llm_config"})


class NotAnAssistant(ValueError):
    """A document that is no export we know; the message says what is."""


@dataclass(frozen=True)
class Imported:
    """What a document makes here, and every field that did not come over as it was."""

    system: str
    spec: AssistantSpec
    notes: list[Note]


def read_document(text: str) -> dict[str, Any]:
    """Return a file's text as an object, or raise `NotAnAssistant`."""
    if len(text) > MAX_CHARACTERS:
        raise NotAnAssistant(_("The file is larger than one megabyte."))
    try:
        document = json.loads(text, parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise NotAnAssistant(_("This is not valid JSON.")) from error
    if not isinstance(document, dict):
        raise NotAnAssistant(_("An export is one JSON object."))
    return document


def imported(document: dict[str, Any]) -> Imported:
    """Return the assistant that a document makes; nothing is saved.

    Raises `NotAnAssistant`, or `NotSound` with every field that is refused.
    """
    if "\\u0000" in json.dumps(document):
        raise NotAnAssistant(_("The file has a character that cannot be kept."))
    system = next((n for n, known in _SYSTEMS.items() if known.fits(document)), None)
    if system is None:
        raise NotAnAssistant(
            _(
                "This is no export of an assistant that is known here: "
                "ours, Vapi’s, Retell’s or ElevenLabs’."
            )
        )
    source = Source(document)
    values = _SYSTEMS[system].values_of(source)
    left_out: list[Note] = []
    if system == "portavoce":
        spec = _checked(values)
    else:
        values = _without_nothing(values)
        values["name"] = str(values["name"])[:120]
        spec, left_out = _fitted(values)
    if faults := faults_of(spec):
        raise NotSound(faults)
    return Imported(system, spec, (left_out + source.rest())[:MAX_NOTES])


def _refused(constant: str) -> float:
    raise ValueError(constant)


def _checked(values: dict[str, Any]) -> AssistantSpec:
    try:
        return _spec(values)
    except ValidationError as error:
        raise NotSound(_faults(error)) from error


def _fitted(values: dict[str, Any]) -> tuple[AssistantSpec, list[Note]]:
    """Return the assistant without what cannot be here, and what that was."""
    notes: list[Note] = []
    for _again in range(_MAX_DROPPED):
        try:
            spec = _spec(values)
            faults = [*validate_spec(spec, keys_at_hand()), *tool_faults(spec)]
        except ValidationError as error:
            faults = _faults(error)
        if not faults:
            return spec, notes
        note = _drop(values, faults[0])
        if note is None:
            raise NotSound(faults)
        notes.append(note)
    raise NotSound(faults)


def _spec(values: dict[str, Any]) -> AssistantSpec:
    regions = policy_in_scope().regions
    return AssistantSpec.model_validate(completed(values, keys_at_hand(), regions))


def _faults(error: ValidationError) -> list[CatalogueError]:
    return [
        CatalogueError(
            param_path(tuple(one["loc"])), one["msg"].removeprefix("Value error, ")
        )
        for one in error.errors(include_url=False)
    ]


def _drop(values: dict[str, Any], fault: CatalogueError) -> Note | None:
    """Take the value at fault out; None when there is none that could be spared."""
    steps = _steps(fault.param)
    if steps[:2] == ["llm_config", "tools"]:
        steps = steps[:3]  # half a tool is none
    way: list[tuple[Any, Any]] = []
    found: Any = values
    for step in steps:
        if not _holds(found, step):
            continue  # the name of a kind, between a list and its entry's fields
        way.append((found, step))
        found = found[step]
    if not way or (len(way) == 1 and way[0][1] in _NEEDED):
        return None
    holder, step = way[-1]
    path = tuple(step for _holder, step in way)
    note = Note(written(path), shown(path, holder[step]), fault.message)
    del holder[step]
    return note


def _holds(value: Any, step: str | int) -> bool:
    if isinstance(value, list):
        return isinstance(step, int) and step < len(value)
    return isinstance(value, dict) and step in value


def _steps(param: str) -> list[str | int]:
    parts = re.findall(r"[^.\[\]]+", param)
    return [int(part) if part.isdigit() else part for part in parts]


def _without_nothing(value: Any) -> Any:
    """Leave out what says nothing, so that our own defaults hold."""
    if isinstance(value, dict):
        kept = {name: _without_nothing(inner) for name, inner in value.items()}
        return {name: inner for name, inner in kept.items() if inner is not None}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_without_nothing(inner) for inner in value]
    return value
