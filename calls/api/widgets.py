"""The widget of an assistant over REST: reading, setting up, removing."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import Http404
from ninja import Router, Status
from pydantic import BaseModel, Field

from assistants.queries import get_assistant
from calls.browser import widget_snippet
from calls.models import Widget
from calls.queries import find_widget_of
from calls.services.widgets import WidgetRefused, remove_widget, save_widget
from calls.sites import MAX_SITES
from portal.api.access import api_requires
from portal.api.errors import InvalidRequest
from portal.api.paging import Body, Deleted
from portal.http import KeyRequest
from portal.permissions import Permission

router = Router(tags=["Widgets"])


class WidgetChange(Body):
    """What is left out stays; a new widget begins with the assistant's name as its title."""

    title: str | None = Field(None, min_length=1, max_length=60)
    note: str | None = Field(None, max_length=200)
    sites: list[str] | None = Field(
        None, max_length=MAX_SITES, examples=[["https://www.example.com"]]
    )
    is_active: bool | None = Field(None, strict=True)
    max_live_calls: int | None = Field(None, ge=1, le=Widget.MOST_CALLS, strict=True)
    max_calls_per_day: int | None = Field(None, ge=1, le=Widget.MOST_CALLS, strict=True)


class WidgetJson(BaseModel):
    """A button on somebody's site; `snippet` is the line that puts it there."""

    id: UUID
    assistant_id: UUID
    title: str
    note: str
    sites: list[str]
    is_active: bool
    max_live_calls: int
    max_calls_per_day: int
    snippet: str
    created_at: datetime
    updated_at: datetime


@router.get("/{uuid:assistant_id}/widget", response=WidgetJson)
@api_requires(Permission.ASSISTANTS_READ)
def read_widget(request: KeyRequest, assistant_id: UUID) -> dict[str, Any]:
    """The assistant's widget; 404 while there is none."""
    return _json(_widget(assistant_id))


@router.put("/{uuid:assistant_id}/widget", response={200: WidgetJson, 201: WidgetJson})
@api_requires(Permission.ASSISTANTS_EDIT)
def put_widget(
    request: KeyRequest, assistant_id: UUID, wanted: WidgetChange
) -> Status[dict[str, Any]]:
    """Make the assistant's widget, or change what is given of it."""
    try:
        widget, is_new = save_widget(
            assistant=get_assistant(assistant_id),
            actor=None,
            **wanted.model_dump(exclude_none=True),
        )
    except WidgetRefused as error:
        raise InvalidRequest(str(error), param=error.field) from error
    return Status(201 if is_new else 200, _json(widget))


@router.delete("/{uuid:assistant_id}/widget", response=Deleted)
@api_requires(Permission.ASSISTANTS_EDIT)
def delete_widget(request: KeyRequest, assistant_id: UUID) -> dict[str, bool]:
    """Take the button from every site; calls it started stay."""
    remove_widget(widget=_widget(assistant_id), actor=None)
    return {"success": True}


def _widget(assistant_id: UUID) -> Widget:
    widget = find_widget_of(get_assistant(assistant_id))
    if widget is None:
        raise Http404("This assistant has no widget.")
    return widget


def _json(widget: Widget) -> dict[str, Any]:
    return {
        name: getattr(widget, name)
        for name in WidgetJson.model_fields
        if name != "snippet"
    } | {"snippet": widget_snippet(widget)}
