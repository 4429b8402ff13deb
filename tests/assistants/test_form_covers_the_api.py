"""Whatever the API takes of an assistant the pages ask, and the other way round.

What only the API takes stands here with the reason; a new field of either side fails
until it is on the other, or here.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

import pytest
from pydantic import BaseModel

from assistants.advanced_fields import OF_GROUP, AdvancedFields
from assistants.analysis_forms import AnalysisForm
from assistants.catalogue import OptionKind, Stage, catalogue
from assistants.form_fields import AssistantFields
from assistants.form_spec import LINES, PLAIN, stand_in_names
from assistants.spec import AssistantSpec
from assistants.tool_forms import FunctionForm, McpToolForm
from assistants.transfer_forms import DestinationForm

CONFIGS: Final = {
    Stage.LLM: "llm",
    Stage.REALTIME: "llm",
    Stage.STT: "stt",
    Stage.TTS: "tts",
}
# What needs turning between a control and its field; `PLAIN` and `LINES` hold the rest.
TURNED: Final = {
    "notification_email": ["notification_email"],
    "instructions": ["llm_config.messages.role", "llm_config.messages.content"],
    "examples": ["llm_config.messages.role", "llm_config.messages.content"],
    "language": ["stt_config.language", "tts_config.language"],
    "model": ["llm_config.provider", "llm_config.model"],
    "listener": ["stt_config.provider", "stt_config.model"],
    "voice": ["tts_config.provider", "tts_config.voice_id", "llm_config.voice"],
    "own_voice": ["tts_config.voice_id"],
    "voice_model": ["tts_config.model"],
    "pronunciation": [
        "speech_config.pronunciation.from",
        "speech_config.pronunciation.to",
    ],
    "max_duration_minutes": ["max_duration_seconds"],
    "may_hang_up": ["llm_config.tools.type"],
    "consent_enabled": ["recording_consent.enabled"],
    "consent_message": ["recording_consent.message"],
    "gdpr_mode": ["gdpr_mode"],
    "voicemail_when_unsure": ["voicemail_when_unsure"],
    "webhook_url": ["webhook_url"],
    "webhook_events": ["webhook_events"],
    "after_call_provider": ["after_call_transcription.provider"],
    "delegation_model": ["llm_config.delegation.model"],
    "delegation_instructions": ["llm_config.delegation.instructions"],
    "turn_threshold": ["llm_config.turn_detection.threshold"],
    "turn_prefix_padding_ms": ["llm_config.turn_detection.prefix_padding_ms"],
    "turn_silence_duration_ms": ["llm_config.turn_detection.silence_duration_ms"],
    "turn_idle_timeout_ms": ["llm_config.turn_detection.idle_timeout_ms"],
    "hint_language": ["llm_config.transcription.language_hint"],
    "hint_keyterms": ["llm_config.transcription.keyterms"],
    "web_search": ["llm_config.provider_tools.type"],
    "x_search": ["llm_config.provider_tools.type"],
    "x_handles": ["llm_config.provider_tools.allowed_x_handles"],
    "file_stores": ["llm_config.provider_tools.vector_store_ids"],
    "file_results": ["llm_config.provider_tools.max_num_results"],
}
STAND_INS: Final = {
    name: [f"{stage}_config.fallbacks.{part}" for part in parts]
    for stage, parts in (
        ("llm", ("provider", "model")),
        ("stt", ("provider", "model")),
        ("tts", ("provider", "voice_id")),
    )
    for name in stand_in_names(stage)
}
ANALYSIS: Final = {
    "summarises": ["summary_plan.enabled"],
    "summary_prompt": ["summary_plan.messages.role", "summary_plan.messages.content"],
    "finds_data": ["structured_data_plan.enabled"],
    "schema": ["structured_data_plan.schema"],
    "system_prompt": [
        "structured_data_plan.messages.role",
        "structured_data_plan.messages.content",
    ],
    "user_prompt": ["structured_data_plan.messages.content"],
    "evaluates": ["success_evaluation_plan.enabled"],
    "criteria": ["success_evaluation_plan.criteria"],
    "min_messages_threshold": ["min_messages_threshold"],
    "model": ["provider", "model"],
}
TOOLS: Final = {
    FunctionForm: {
        "name": ["function.name"],
        "description": ["function.description"],
        "parameters": ["function.parameters"],
        "url": ["server.url"],
        "secret": ["server.secret"],
        "message": ["message"],
        "run_async": ["async"],
    },
    DestinationForm: {
        # A number that is an address of SIP is told by its letters.
        "number": ["destinations.number", "destinations.type"],
        "description": ["destinations.description"],
        "message": ["destinations.message"],
        "mode": ["destinations.mode"],
    },
    McpToolForm: {
        "allowed_tools": ["allowed_tools", "mcp_server_id"],  # the page is one server's
        "is_required": ["required"],
    },
}
KEEPS = "a stand-in is chosen by name; settings the API gave it stay as they are"
API_ONLY: Final = {
    "silence_timeout_seconds": "the older name of speech_config.silence.first_check_seconds",
    "llm_config.analysis_model": "deprecated; analysis_plan.model is asked on its page",
    "after_call_transcription.model": "the provider's own model for recordings",
    "after_call_transcription.language": "the assistant's language",
    **{
        f"llm_config.fallbacks.{name}": KEEPS
        for name in ("temperature", "max_completion_tokens", "location")
    },
}


def leaves(shape: Any, path: str = "") -> Iterator[str]:
    """Every field of a shape, by its name in the API; a list's are its entries'."""
    for name, field in shape.model_fields.items():
        at = f"{path}.{field.alias or name}".lstrip(".")
        parts = list(shapes_in(field.annotation))
        if not parts:
            yield at
        for part in parts:
            yield from leaves(part, at)


def shapes_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) is Annotated:
        yield from shapes_in(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, UnionType, tuple):
        for one in get_args(annotation):
            yield from shapes_in(one)


def option_paths() -> set[str]:
    """What the form asks because the chosen provider takes it."""
    return {
        f"{CONFIGS[provider.stage]}_config.{option.name}"
        for provider in catalogue().providers
        for option in provider.options
        if option.kind is not OptionKind.GROUP
    }


def asked() -> set[str]:
    """Every field that some page asks."""
    found = {*PLAIN.values(), *LINES.values(), *option_paths()}
    for paths in (*TURNED.values(), *STAND_INS.values()):
        found.update(paths)
    for paths in ANALYSIS.values():
        found.update(f"analysis_plan.{path}" for path in paths)
    for answers in TOOLS.values():
        for paths in answers.values():
            found.update(f"llm_config.tools.{path}" for path in paths)
    return found


def test_every_field_of_the_api_is_asked_or_left_out_for_a_reason() -> None:
    known = set(leaves(AssistantSpec))
    kept = {
        path
        for path in known
        if path.startswith(("stt_config.fallbacks.", "tts_config.fallbacks."))
    } - asked()
    assert known - asked() - set(API_ONLY) - kept == set()
    assert set(API_ONLY) <= known
    assert set(API_ONLY) & asked() == set()


def test_every_control_is_a_field_of_the_api() -> None:
    known = set(leaves(AssistantSpec))
    assert asked() - known == set()
    mapped = {*PLAIN, *LINES, *TURNED, *STAND_INS}
    assert set(AssistantFields.base_fields) == mapped
    assert set(AnalysisForm.base_fields) == set(ANALYSIS)
    for form, answers in TOOLS.items():
        assert set(form.base_fields) == set(answers)


def test_what_belongs_to_a_realtime_model_is_asked_with_its_group() -> None:
    groups = {
        option.name
        for provider in catalogue().providers
        for option in provider.options
        if option.kind is OptionKind.GROUP
    }
    assert groups == set(OF_GROUP)
    controls = {name for names in OF_GROUP.values() for name in names}
    assert controls <= set(AdvancedFields.base_fields)


@pytest.mark.parametrize("stage", ["stt", "tts"])
def test_every_option_of_hearing_and_speaking_has_a_provider(stage: str) -> None:
    fields = {
        path.removeprefix(f"{stage}_config.")
        for path in leaves(AssistantSpec)
        if path.startswith(f"{stage}_config.") and ".fallbacks." not in path
    }
    options = {
        path.removeprefix(f"{stage}_config.")
        for path in option_paths()
        if path.startswith(f"{stage}_config.")
    }
    assert fields - options <= {"provider", "model", "language", "voice_id"}
