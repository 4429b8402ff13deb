"""What is different between two states of an assistant, as people read it.

A long text is compared line by line; tools are told apart by their names, not by their
places. What says nothing (null, an empty list) is the same as what is not there.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.translation import gettext as _, gettext_lazy

from assistants.spec import AssistantSpec
from assistants.spec_secrets import MASK, masked

_CONTEXT_LINES: Final = 2
_LABELS: Final[Mapping[str, Any]] = {
    "name": gettext_lazy("Name"),
    "business_name": gettext_lazy("Business"),
    "first_message": gettext_lazy("First message"),
    "instructions": gettext_lazy("Instructions"),
    "examples": gettext_lazy("Example messages"),
    "tools": gettext_lazy("Tools"),
    "llm_config": gettext_lazy("Model"),
    "stt_config": gettext_lazy("Speech recognition"),
    "tts_config": gettext_lazy("Voice"),
    "speech_config": gettext_lazy("Conversation"),
    "turn_taking": gettext_lazy("Timing"),
    "silence": gettext_lazy("Silence"),
    "background_audio": gettext_lazy("Background"),
    "pronunciation": gettext_lazy("Pronunciation"),
    "analysis_plan": gettext_lazy("Analysis"),
    "summary_plan": gettext_lazy("Summary"),
    "structured_data_plan": gettext_lazy("Facts"),
    "success_evaluation_plan": gettext_lazy("Success"),
    "fallbacks": gettext_lazy("Stand-ins"),
    "max_duration_seconds": gettext_lazy("Longest call, in seconds"),
    "recording_consent": gettext_lazy("Consent to record"),
    "voicemail_detection": gettext_lazy("Notice voicemail"),
    "voicemail_message": gettext_lazy("Voicemail message"),
    "voicemail_when_unsure": gettext_lazy("When it may be voicemail"),
    "notification_emails": gettext_lazy("Send each call’s report to"),
    "webhook_url": gettext_lazy("Webhook address"),
    "webhook_events": gettext_lazy("Webhook events"),
    "after_call_transcription": gettext_lazy("Transcript after the call"),
    "end_call_message": gettext_lazy("Last words"),
    "end_call_phrases": gettext_lazy("Phrases that end the call"),
    "autonomous_silence_handling": gettext_lazy("Look after a silent caller"),
    "provider": gettext_lazy("Provider"),
    "model": gettext_lazy("Model"),
    "voice": gettext_lazy("Voice"),
    "voice_id": gettext_lazy("Voice"),
    "language": gettext_lazy("Language"),
    "temperature": gettext_lazy("Freedom"),
    "description": gettext_lazy("Description"),
    "parameters": gettext_lazy("Fields"),
    "destinations": gettext_lazy("Destinations"),
    "message": gettext_lazy("Say meanwhile"),
    "url": gettext_lazy("Address"),
    "secret": gettext_lazy("Signing secret"),
    "criteria": gettext_lazy("A success is"),
    "schema": gettext_lazy("Facts to find"),
    "enabled": gettext_lazy("Switched on"),
}
# Levels whose own name says nothing beside what is above and below them.
_SILENT: Final = frozenset({"speech_config", "function", "server"})


@dataclass(frozen=True)
class Line:
    """One line of a text: `same`, `added`, `removed`, or `gap` where equal ones are left out."""

    kind: str
    text: str


@dataclass(frozen=True)
class Difference:
    """One field that changed. Of a long text, `lines` tell how."""

    param: str
    label: str
    before: str
    after: str
    lines: list[Line] = field(default_factory=list)

    @property
    def kind(self) -> str:
        if not self.before:
            return "added"
        return "changed" if self.after else "removed"


def differences(before: AssistantSpec, after: AssistantSpec) -> list[Difference]:
    """Return every field in which two specs differ, in the order of the spec.

    Secrets are masked; one that was replaced by another is named without its text.
    """
    old, new = dict(_leaves(_shown(before))), dict(_leaves(_shown(after)))
    found = [
        _difference(path, old.get(path), new.get(path))
        for path in dict.fromkeys([*old, *new])
        if old.get(path) != new.get(path)
    ]
    return found + _other_secrets(before, after)


def _shown(spec: AssistantSpec) -> dict[str, Any]:
    """The spec as it is compared: instructions as one text, tools by name."""
    values = masked(spec.model_dump(mode="json", by_alias=True))
    llm = values["llm_config"]
    messages, tools = llm.pop("messages"), llm.pop("tools")
    return {
        "name": values.pop("name"),
        "first_message": values.pop("first_message"),
        "instructions": spec.llm_config.instructions,
        "examples": [m for m in messages if m["role"] != "system"],
        "tools": {_name_of(tool): tool for tool in tools},
        **values,
    }


def _name_of(tool: Mapping[str, Any]) -> str:
    if tool["type"] == "function":
        return str(tool["function"]["name"])
    return str(tool.get("mcp_server_id") or tool["type"])


def _leaves(
    value: Any, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value that says something, with the way to it."""
    is_of_tool = path[:1] == ("tools",)
    if isinstance(value, Mapping) and path[-1:] not in (("schema",), ("parameters",)):
        if is_of_tool and len(path) == 2:
            yield path, {"type": value["type"]}
        for name, inner in value.items():
            if not (is_of_tool and name in ("type", "name")):
                yield from _leaves(inner, (*path, name))
    elif not (value in (None, "", [], (), {}) or (is_of_tool and value is False)):
        yield path, value


def _difference(path: tuple[str, ...], before: Any, after: Any) -> Difference:
    old, new = _text(before), _text(after)
    lines = _compared(old, new) if "\n" in old + new else []
    return Difference(".".join(path), _label(path), old, new, lines)


def _label(path: tuple[str, ...]) -> str:
    if path[0] == "tools":
        tool = _("Tool %(name)s") % {"name": path[1]}
        return " › ".join([tool, *_words(path[2:])])
    return " › ".join(_words(path))


def _words(path: tuple[str, ...]) -> list[str]:
    return [
        str(_LABELS.get(name, name.replace("_", " ")))
        for name in path
        if name not in _SILENT
    ]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, dict) and set(value) == {"type"}:
        return str(value["type"])
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return "\n".join(value)
    if isinstance(value, dict | list):
        return json.dumps(value, indent=2, ensure_ascii=False)
    if isinstance(value, float):
        return f"{value:g}"
    return "" if value is None else str(value)


def _compared(before: str, after: str) -> list[Line]:
    old, new = before.splitlines(), after.splitlines()
    lines: list[Line] = []
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for group in matcher.get_grouped_opcodes(_CONTEXT_LINES):
        if lines or group[0][1] > 0:
            lines.append(Line("gap", ""))
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                lines += [Line("same", text) for text in old[i1:i2]]
                continue
            lines += [Line("removed", text) for text in old[i1:i2]]
            lines += [Line("added", text) for text in new[j1:j2]]
    return lines


def _other_secrets(before: AssistantSpec, after: AssistantSpec) -> list[Difference]:
    """A secret replaced by another, by the sealed texts: an unchanged one keeps its."""
    old, new = _secrets(before), _secrets(after)
    return [
        Difference(
            f"tools.{name}.secret",
            _label(("tools", name, "secret")),
            MASK,
            _("another one"),
        )
        for name, secret in new.items()
        if name in old and old[name] != secret
    ]


def _secrets(spec: AssistantSpec) -> dict[str, str]:
    return {
        tool.function.name: tool.server.secret
        for tool in spec.llm_config.tools
        if tool.type == "function" and tool.server.secret
    }
