"""Assistants over REST, under `/assistants` and the older `/agents`."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from django.db import transaction
from django.http import Http404, HttpResponse
from ninja import Body, Router, Status
from pydantic import BaseModel, Field, JsonValue, ValidationError

from assistants import editing, services
from assistants.catalogue import (
    CatalogueError,
    Stage,
    catalogue,
    is_available,
    validate_spec,
)
from assistants.completion import completed, merged
from assistants.faults import NotSound
from assistants.keys import keys_at_hand
from assistants.models import Assistant, AssistantVersion
from assistants.older_names import modernised
from assistants.own_endpoint import (
    address_fault,
    follow_settings,
    secrets_shown,
)
from assistants.porting.exporting import exported
from assistants.porting.importing import NotAnAssistant, imported
from assistants.queries import get_assistant, name_of_copy, visible_assistants
from assistants.spec import AssistantSpec
from assistants.spec_secrets import masked
from assistants.tool_checks import tool_faults
from assistants.without_secrets import without_secrets
from portal.api.access import api_requires
from portal.api.errors import InvalidRequest, invalid_request
from portal.api.paging import Body as RequestBody, Deleted
from portal.api.plain import plain_answer
from portal.http import KeyRequest
from portal.permissions import Permission
from portal.services.privacy import policy_in_scope

router = Router(tags=["Assistants"])

voices = Router(tags=["Voices"])

# The body as it came; `AssistantSpec` checks it, so that a field is named as the API names it.
Values = Annotated[dict[str, Any], Body(...)]


class AssistantJson(AssistantSpec):
    """An assistant: its settings as they are now, and its row."""

    id: UUID
    is_active: bool
    version: int
    webhook_secret: str | None
    created_at: datetime
    updated_at: datetime


class OneAssistant(BaseModel):
    assistant: AssistantJson


class Assistants(BaseModel):
    assistants: list[AssistantJson]


def assistant_json(
    assistant: Assistant, secrets: dict[UUID, str] | None = None
) -> dict[str, Any]:
    """Return an assistant as the API shows it: its row and its current settings.

    `secrets` are those of `secrets_shown`; a list asks for them once.
    """
    version = assistant.current_version
    assert version is not None
    if secrets is None:
        secrets = _secrets_of([assistant])
    return {
        "id": assistant.pk,
        **masked(version.spec_json, shape=version.shape),
        "is_active": assistant.is_active,
        "version": version.number,
        "webhook_secret": secrets.get(assistant.pk),
        "created_at": assistant.created_at,
        "updated_at": assistant.updated_at,
    }


def read_spec(values: dict[str, Any]) -> AssistantSpec:
    """Return a checked spec, or raise `InvalidRequest` that names every wrong field."""
    values = completed(values, keys_at_hand(), policy_in_scope().regions)
    try:
        # Strict: text that looks like a number is not one.
        spec = AssistantSpec.model_validate_json(json.dumps(values), strict=True)
    except ValidationError as error:
        raise invalid_request(error.errors(include_url=False), values) from error
    if faults := validate_spec(spec) + tool_faults(spec):
        raise refused(faults)
    return spec


def refused(faults: list[CatalogueError]) -> InvalidRequest:
    """Return the refusal of a spec, with every fault in it."""
    return InvalidRequest(
        faults[0].message,
        param=faults[0].param,
        details=[f"{fault.param}: {fault.message}" for fault in faults],
    )


def _secrets_of(assistants: list[Assistant]) -> dict[UUID, str]:
    own = [
        row.pk
        for row in assistants
        if row.current_version and row.current_version.spec_json.get("webhook_url")
    ]
    return secrets_shown(own) if own else {}


def take_secret(values: dict[str, Any]) -> str | None:
    """Take the webhook's secret out of a body; it is kept sealed, not in a version."""
    secret = values.pop("webhook_secret", None)
    if secret is not None and not (isinstance(secret, str) and 1 <= len(secret) <= 200):
        raise InvalidRequest("Give 1 to 200 characters.", param="webhook_secret")
    return secret


def require_address(spec: AssistantSpec) -> AssistantSpec:
    """Return a spec whose webhook may be called, or raise `InvalidRequest`."""
    if fault := address_fault(spec):
        raise InvalidRequest(fault, param="webhook_url")
    return spec


def take_is_active(values: dict[str, Any]) -> bool | None:
    """Take the switch out of a body; it is no part of a version."""
    is_active = values.pop("is_active", None)
    if is_active is not None and not isinstance(is_active, bool):
        raise InvalidRequest("Give true or false.", param="is_active")
    return is_active


@router.get("", response=Assistants, by_alias=True)
@api_requires(Permission.ASSISTANTS_READ)
def list_assistants(request: KeyRequest) -> HttpResponse:
    """Every assistant of the key's organization."""
    rows = list(visible_assistants())
    secrets = _secrets_of(rows)
    return plain_answer({"assistants": [assistant_json(row, secrets) for row in rows]})


@router.post("", response={201: OneAssistant}, by_alias=True)
@api_requires(Permission.ASSISTANTS_EDIT)
@transaction.atomic
def create_assistant(request: KeyRequest, values: Values) -> Status[dict[str, Any]]:
    """Create an assistant; only `name` is required."""
    is_active, secret = take_is_active(values), take_secret(values)
    spec = require_address(read_spec(modernised(values)))
    assistant = services.create_assistant(
        organization=request.organization,
        spec=spec,
        actor=None,
    )
    if secret is not None:
        follow_settings(assistant=assistant, spec=spec, actor=None, secret=secret)
    if is_active is False:
        services.set_active(assistant=assistant, is_active=False, actor=None)
    return Status(201, {"assistant": assistant_json(get_assistant(assistant.pk))})


@router.get("/{uuid:assistant_id}", response=OneAssistant, by_alias=True)
@api_requires(Permission.ASSISTANTS_READ)
def read_assistant(request: KeyRequest, assistant_id: UUID) -> dict[str, Any]:
    """One assistant."""
    return {"assistant": assistant_json(get_assistant(assistant_id))}


@router.patch("/{uuid:assistant_id}", response=OneAssistant, by_alias=True)
@api_requires(Permission.ASSISTANTS_EDIT)
@transaction.atomic
def change_assistant(
    request: KeyRequest, assistant_id: UUID, values: Values
) -> dict[str, Any]:
    """Change the fields that are given, also within a block; lists are replaced whole."""
    assistant = get_assistant(assistant_id)
    assert assistant.current_version is not None
    is_active, secret = take_is_active(values), take_secret(values)
    current = assistant.current_version.spec.model_dump(mode="json", by_alias=True)
    spec = require_address(read_spec(merged(current, modernised(values))))
    services.save_assistant(assistant=assistant, spec=spec, actor=None)
    if secret is not None:
        follow_settings(assistant=assistant, spec=spec, actor=None, secret=secret)
    if is_active is not None:
        services.set_active(assistant=assistant, is_active=is_active, actor=None)
    return {"assistant": assistant_json(get_assistant(assistant_id))}


@router.delete("/{uuid:assistant_id}", response=Deleted)
@api_requires(Permission.ASSISTANTS_EDIT)
def delete_assistant(request: KeyRequest, assistant_id: UUID) -> dict[str, bool]:
    """Delete an assistant; its calls stay."""
    services.delete_assistant(assistant=get_assistant(assistant_id), actor=None)
    return {"success": True}


class NoteJson(BaseModel):
    """A field of a file that did not come over as it was, and why."""

    path: str
    value: str
    message: str


class ImportedAssistant(BaseModel):
    assistant: AssistantJson
    source: str
    unmapped_fields: list[NoteJson]


class NewName(RequestBody):
    name: str | None = Field(None, min_length=1, max_length=120)


@router.post("/import", response={201: ImportedAssistant}, by_alias=True)
@api_requires(Permission.ASSISTANTS_EDIT)
def import_assistant(request: KeyRequest, document: Values) -> Status[dict[str, Any]]:
    """Make an assistant of an export: ours, or one of Vapi, Retell or ElevenLabs.

    Fields of another system that have no counterpart here are listed in
    `unmapped_fields`. Secrets are in no export of ours and have to be given again.
    """
    try:
        found = imported(document)
    except NotAnAssistant as error:
        raise InvalidRequest(str(error)) from error
    except NotSound as error:
        raise refused(error.faults) from error
    assistant = services.create_assistant(
        organization=request.organization,
        spec=found.spec,
        actor=None,
    )
    return Status(
        201,
        {
            "assistant": assistant_json(get_assistant(assistant.pk)),
            "source": found.system,
            "unmapped_fields": [vars(note) for note in found.notes],
        },
    )


@router.get("/{uuid:assistant_id}/export", response=dict[str, JsonValue])
@api_requires(Permission.ASSISTANTS_READ)
def export_assistant(request: KeyRequest, assistant_id: UUID) -> dict[str, Any]:
    """The current version as a file that `POST /assistants/import` takes; no secrets."""
    return exported(get_assistant(assistant_id))


@router.post(
    "/{uuid:assistant_id}/duplicate", response={201: OneAssistant}, by_alias=True
)
@api_requires(Permission.ASSISTANTS_EDIT)
def duplicate_assistant(
    request: KeyRequest, assistant_id: UUID, body: NewName
) -> Status[dict[str, Any]]:
    """Another assistant with the same settings, secrets of its tools included."""
    assistant = get_assistant(assistant_id)
    made = services.duplicate_assistant(
        assistant=assistant, name=body.name or name_of_copy(assistant), actor=None
    )
    return Status(201, {"assistant": assistant_json(get_assistant(made.pk))})


class VersionJson(BaseModel):
    """An assistant as it was saved once."""

    id: UUID
    version: int
    is_current: bool
    created_at: datetime
    settings: dict[str, JsonValue]


class Versions(BaseModel):
    versions: list[VersionJson]


class OneVersion(BaseModel):
    version: VersionJson


@router.get("/{uuid:assistant_id}/versions", response=Versions)
@api_requires(Permission.ASSISTANTS_READ)
def list_assistant_versions(request: KeyRequest, assistant_id: UUID) -> dict[str, Any]:
    """The last hundred versions, newest first; calls keep the one they used."""
    assistant = get_assistant(assistant_id)
    rows = assistant.versions.all()[:100]
    return {"versions": [_version_json(assistant, row) for row in rows]}


@router.get("/{uuid:assistant_id}/versions/{int:number}", response=OneVersion)
@api_requires(Permission.ASSISTANTS_READ)
def read_assistant_version(
    request: KeyRequest, assistant_id: UUID, number: int
) -> dict[str, Any]:
    """One version, by its number."""
    assistant = get_assistant(assistant_id)
    return {"version": _version_json(assistant, _version(assistant, number))}


@router.post(
    "/{uuid:assistant_id}/versions/{int:number}/restore",
    response=OneAssistant,
    by_alias=True,
)
@api_requires(Permission.ASSISTANTS_EDIT)
def restore_assistant_version(
    request: KeyRequest, assistant_id: UUID, number: int
) -> dict[str, Any]:
    """Make an earlier version the next one again; numbers only go up."""
    assistant = get_assistant(assistant_id)
    version = _version(assistant, number)
    try:
        editing.restore(assistant=assistant, version=version, actor=None)
    except NotSound as error:
        raise refused(error.faults) from error
    return {"assistant": assistant_json(get_assistant(assistant_id))}


def _version(assistant: Assistant, number: int) -> AssistantVersion:
    # More than the column holds is no version either.
    row = assistant.versions.filter(number=number).first() if number < 2**31 else None
    if row is None:
        raise Http404("No such version.")
    return row


def _version_json(assistant: Assistant, row: AssistantVersion) -> dict[str, Any]:
    return {
        "id": row.pk,
        "version": row.number,
        "is_current": row.pk == assistant.current_version_id,
        "created_at": row.created_at,
        "settings": without_secrets(row.spec_json),
    }


class VoiceJson(BaseModel):
    """A voice for `tts_config`; `is_available` says whether its provider's key is here."""

    id: str
    name: str
    language: str
    description: dict[str, str]
    provider: str
    gender: str
    is_available: bool


class Voices(BaseModel):
    voices: list[VoiceJson]


_DUTCH: Final = {"female": "vrouwenstem", "male": "mannenstem", "neutral": "stem"}


@voices.get("", response=Voices)
@api_requires(Permission.ASSISTANTS_READ)
def list_voices(request: KeyRequest) -> dict[str, Any]:
    """Every voice of the catalogue that this installation can offer."""
    keys = keys_at_hand()
    return {
        "voices": [
            {
                "id": voice.id,
                "name": voice.label,
                "language": voice.language,
                "description": {
                    "en": f"{voice.label}, {voice.gender} voice of {provider.label}",
                    "nl": f"{voice.label}, {_DUTCH[voice.gender]} van {provider.label}",
                },
                "provider": provider.id,
                "gender": voice.gender,
                "is_available": is_available(provider, keys),
            }
            for provider in catalogue().stage(Stage.TTS)
            for voice in provider.voices
            if voice.is_installed
        ]
    }
