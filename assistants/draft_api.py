"""An assistant's draft over REST: what is worked on and no call uses yet."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from ninja import Router
from pydantic import BaseModel, Field, JsonValue

from assistants import editing, services
from assistants.api import (
    OneAssistant,
    Values,
    assistant_json,
    read_spec,
    refused,
    require_address,
)
from assistants.completion import merged
from assistants.faults import NotSound, faults_of
from assistants.models import Assistant
from assistants.older_names import modernised
from assistants.queries import get_assistant
from assistants.services import working_spec
from assistants.spec_secrets import masked
from portal.api.access import api_requires
from portal.api.errors import Conflict, InvalidRequest
from portal.api.paging import Body, Deleted
from portal.http import KeyRequest
from portal.permissions import Permission

router = Router(tags=["Assistants"])


class FaultJson(BaseModel):
    param: str
    message: str


class DraftJson(BaseModel):
    """What publishing would make of the assistant; `faults` is what speaks against it.

    `is_overtaken`: a version was published after the draft began, and is not in it.
    """

    based_on_version: int | None
    is_overtaken: bool
    saved_at: datetime
    settings: dict[str, JsonValue]
    faults: list[FaultJson]


class OneDraft(BaseModel):
    """`null` where there is none: calls use all there is."""

    draft: DraftJson | None


class DraftPublished(Body):
    overwrite: bool = Field(
        False, strict=True, description="Publish a draft that was overtaken as well."
    )


def draft_json(assistant: Assistant) -> dict[str, Any] | None:
    if assistant.draft_json is None:
        return None
    faults = faults_of(working_spec(assistant))
    return {
        "based_on_version": assistant.draft_base,
        "is_overtaken": assistant.is_draft_overtaken,
        "saved_at": assistant.draft_at,
        "settings": masked(assistant.draft_json),
        "faults": [{"param": one.param, "message": one.message} for one in faults],
    }


@router.get("/{uuid:assistant_id}/draft", response=OneDraft)
@api_requires(Permission.ASSISTANTS_READ)
def read_draft(request: KeyRequest, assistant_id: UUID) -> dict[str, Any]:
    """The draft, if somebody works on one."""
    return {"draft": draft_json(get_assistant(assistant_id))}


@router.patch("/{uuid:assistant_id}/draft", response=OneDraft)
@api_requires(Permission.ASSISTANTS_EDIT)
@transaction.atomic
def change_draft(
    request: KeyRequest, assistant_id: UUID, values: Values
) -> dict[str, Any]:
    """Change the draft, or begin one; what is given is merged as for the assistant.

    A draft that says what the current version says is none.
    """
    assistant = get_assistant(assistant_id)
    for name in ("is_active", "webhook_secret"):
        if name in values:
            raise InvalidRequest(
                "This is no part of a draft. Change the assistant.", param=name
            )
    current = working_spec(assistant).model_dump(mode="json", by_alias=True)
    spec = require_address(read_spec(merged(current, modernised(values))))
    editing.keep_spec(assistant=assistant, spec=spec, actor=None, as_draft=True)
    return {"draft": draft_json(get_assistant(assistant_id))}


@router.delete("/{uuid:assistant_id}/draft", response=Deleted)
@api_requires(Permission.ASSISTANTS_EDIT)
def discard_draft(request: KeyRequest, assistant_id: UUID) -> dict[str, bool]:
    """Throw the draft away; a second time changes nothing."""
    services.discard_draft(assistant=get_assistant(assistant_id), actor=None)
    return {"success": True}


@router.post("/{uuid:assistant_id}/draft/publish", response=OneAssistant, by_alias=True)
@api_requires(Permission.ASSISTANTS_EDIT)
def publish_draft(
    request: KeyRequest, assistant_id: UUID, wanted: DraftPublished
) -> dict[str, Any]:
    """Let the next call use the draft; one that was overtaken is a conflict."""
    try:
        editing.publish(
            assistant=get_assistant(assistant_id),
            actor=None,
            overwrites=wanted.overwrite,
        )
    except NotSound as error:
        raise refused(error.faults) from error
    except editing.DraftOvertaken as error:
        raise Conflict(
            "A version was published after this draft began. Read what it changed, "
            "then send overwrite.",
            param="overwrite",
        ) from error
    return {"assistant": assistant_json(get_assistant(assistant_id))}
