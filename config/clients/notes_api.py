"""Remarks about a client over REST, which only its agency reads."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from ninja import Query, Router, Status
from pydantic import BaseModel, Field

from config.clients.managing import add_note
from config.cockpit.queries import get_client
from portal.api.access import api_requires
from portal.api.paging import Body, LongPage, LongPagination, page_of
from portal.http import KeyRequest
from portal.models import ClientNote
from portal.permissions import Permission

router = Router(tags=["Organizations"])


class NewNote(Body):
    text: str = Field(min_length=1, max_length=4_000)


class NoteOfClient(BaseModel):
    """`author` is null where a key wrote it, or somebody who is gone."""

    id: UUID
    text: str
    author: str | None
    created_at: datetime


class OneNote(BaseModel):
    note: NoteOfClient


class NotesOfClient(BaseModel):
    notes: list[NoteOfClient]
    pagination: LongPagination


def note_json(note: ClientNote) -> dict[str, Any]:
    return {
        "id": note.pk,
        "text": note.text,
        "author": str(note.author) if note.author else None,
        "created_at": note.created_at,
    }


@router.get("/{uuid:client_id}/notes", response=NotesOfClient)
@api_requires(Permission.CLIENTS_READ)
def list_notes(
    request: KeyRequest, client_id: UUID, wanted: Annotated[LongPage, Query()]
) -> dict[str, Any]:
    """What the agency noted about a client, newest first."""
    client = get_client(request.organization, client_id)
    rows = ClientNote.objects.filter(client=client).select_related("author")
    page, said = page_of(rows, wanted, rows.count())
    return {"notes": [note_json(row) for row in page], "pagination": said}


@router.post("/{uuid:client_id}/notes", response={201: OneNote})
@api_requires(Permission.CLIENTS_EDIT)
def keep_note(
    request: KeyRequest, client_id: UUID, wanted: NewNote
) -> Status[dict[str, Any]]:
    """Keep a remark about a client; the client never sees it."""
    agency = request.organization
    client = get_client(agency, client_id)
    note = add_note(agency=agency, client=client, text=wanted.text, author=None)
    return Status(201, {"note": note_json(note)})
