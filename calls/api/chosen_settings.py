"""Which assistant a call gets: a saved one, a saved one overridden, or one of its own."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import AfterValidator, Field, JsonValue

from assistants.api import read_spec
from assistants.models import Assistant
from assistants.older_names import modernised
from assistants.spec import AssistantSpec
from calls.api.numbers import chosen_assistant
from calls.services.own_settings import (
    TRANSIENT_NAME,
    OwnWebhook,
    kept_settings,
    offline_spec,
)
from common.http import OutboundError
from portal.api.errors import InvalidRequest
from portal.api.paging import Body, given
from portal.api.shapes import either
from portal.http import KeyRequest

MAX_OWN_CHARACTERS: Final = 16_000


def _not_too_long(values: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(values)) > MAX_OWN_CHARACTERS:
        raise ValueError(f"At most {MAX_OWN_CHARACTERS} characters as JSON.")
    return values


Variables = Annotated[dict[str, str], AfterValidator(_not_too_long)]
Metadata = Annotated[dict[str, JsonValue], AfterValidator(_not_too_long)]
Settings = dict[str, JsonValue]


class CallStart(Body):
    """`assistant_id` alone, or with `assistant_override`, or `assistant` alone.

    Each block of an override replaces the saved assistant's whole block.
    """

    model_config = either(
        assistant_id="string",
        assistant="object",
        agent_id="string",
        agent="object",
        agent_config="object",
    )

    assistant_id: UUID | None = None
    assistant_override: Settings | None = None
    assistant: Settings | None = None
    agent_id: UUID | None = Field(None, json_schema_extra={"deprecated": True})
    agent: Settings | None = Field(None, json_schema_extra={"deprecated": True})
    agent_config: Settings | None = Field(None, json_schema_extra={"deprecated": True})
    variables: Variables = {}
    metadata: Metadata = {}


@dataclass(frozen=True)
class Chosen:
    """What a call starts with."""

    assistant: Assistant | None
    overrides: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    is_test: bool = False


def chosen_settings(request: KeyRequest, wanted: CallStart) -> Chosen:
    """Return what a body asks for; a test key's calls run on offline vendors.

    Raises `InvalidRequest` naming the field inside of the settings that is wrong.
    """
    organization = request.organization
    is_test = request.api_key.is_test
    own_name, own = _transient(wanted)
    assistant = chosen_assistant(wanted)
    override = wanted.assistant_override
    if own is not None and (override is not None or assistant is not None):
        raise InvalidRequest(
            "Give `assistant_id`, with or without `assistant_override`, or `assistant`.",
            param=own_name,
        )
    if own is None and assistant is None:
        raise InvalidRequest(
            "Missing required field: assistant_id",
            param="assistant_id",
            code="missing_field",
        )
    metadata = dict(wanted.metadata)
    spec: AssistantSpec | None = None
    webhook: OwnWebhook | None = None
    if own is not None:
        name, values = own_name, {"name": TRANSIENT_NAME, **own}
    else:
        name, values = "assistant_override", dict(override or {})
    if own is not None or override is not None:
        webhook = _take_webhook(values, name)
        metadata = _take_metadata(values, name) | metadata
        if assistant is not None and assistant.current_version is not None:
            values = assistant.current_version.spec.model_dump(
                mode="json", by_alias=True
            ) | modernised(values)
        spec = _read(values, name)
    if is_test:
        spec = offline_spec(spec or _saved(assistant))
    if spec is None:
        return Chosen(assistant, metadata=metadata)
    try:
        overrides = kept_settings(organization=organization, spec=spec, webhook=webhook)
    except OutboundError as error:
        raise InvalidRequest(str(error), param=f"{name}.webhook_url") from error
    return Chosen(assistant, overrides, metadata, is_test=is_test)


def _transient(wanted: CallStart) -> tuple[str, Settings | None]:
    for name in ("assistant", "agent", "agent_config"):
        value: Settings | None = given(wanted, name)
        if value is not None:
            return name, value
    return "assistant", None


def _saved(assistant: Assistant | None) -> AssistantSpec:
    assert assistant is not None
    assert assistant.current_version is not None
    return assistant.current_version.spec


def _take_webhook(values: dict[str, Any], name: str) -> OwnWebhook | None:
    secret = values.pop("webhook_secret", None)
    url = values.get("webhook_url")
    if secret is not None and not isinstance(secret, str):
        raise InvalidRequest("Give text.", param=f"{name}.webhook_secret")
    if not isinstance(url, str) or not url:
        return None
    events = values.get("webhook_events")
    return OwnWebhook(url, events if isinstance(events, list) else None, secret)


def _take_metadata(values: dict[str, Any], name: str) -> dict[str, Any]:
    metadata = values.pop("metadata", None)
    if metadata is None:
        return {}
    if not isinstance(metadata, dict):
        raise InvalidRequest("Give an object.", param=f"{name}.metadata")
    try:
        return _not_too_long(metadata)
    except ValueError as error:
        raise InvalidRequest(str(error), param=f"{name}.metadata") from error


def _read(values: dict[str, Any], name: str) -> AssistantSpec:
    try:
        return read_spec(modernised(values))
    except InvalidRequest as error:
        raise InvalidRequest(
            str(error),
            param=f"{name}.{error.param}" if error.param else name,
            code=error.code,
            details=error.details,
        ) from error
