"""What an agency hands out to its clients over REST: chosen, shown, copied."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from ninja import Router, Status
from pydantic import BaseModel, Field

from assistants.sovereignty import OutsideRegion
from config.clients.library import Choice, LibraryForm, copy_library
from config.cockpit.queries import get_client
from portal.api.access import api_requires
from portal.api.errors import InvalidRequest
from portal.api.paging import Body
from portal.http import KeyRequest
from portal.permissions import Permission

router = Router(tags=["Organizations"])
MOST = 200
Ids = Annotated[list[UUID], Field(max_length=MOST)]


class Library(Body):
    """Things of the agency by id; of campaigns the settings go over, never people."""

    assistants: Ids = Field(default_factory=list)
    tools: Ids = Field(default_factory=list, description="Tool templates.")
    analyses: Ids = Field(default_factory=list, description="Analysis templates.")
    campaigns: Ids = Field(default_factory=list)


class CopiedJson(BaseModel):
    """How many of each came to the client; the assistant of a campaign is one too."""

    assistants: int
    tools: int
    analyses: int
    campaigns: int


def library_json(choice: Choice) -> dict[str, Any]:
    return {name: getattr(choice, name) for name in Library.model_fields}


def chosen_library(wanted: Library, param: str = "") -> Choice:
    """Return what a body chose; an id that the agency has nothing of is refused."""
    names = tuple(Library.model_fields)
    form = LibraryForm(
        {name: [str(one) for one in getattr(wanted, name)] for name in names}
    )
    if not form.is_valid():
        name, messages = next(iter(form.errors.items()))
        at = f"{param}.{name}" if param else name
        raise InvalidRequest(str(messages[0]), param=at)
    return form.choice()


@router.post("/{uuid:client_id}/copies", response={201: CopiedJson})
@api_requires(Permission.CLIENTS_EDIT)
def copy_to_client(
    request: KeyRequest, client_id: UUID, wanted: Library
) -> Status[dict[str, Any]]:
    """Give a client copies of what the agency built; all of it or nothing."""
    agency = request.organization
    client = get_client(agency, client_id)
    try:
        copied = copy_library(
            agency=agency, client=client, choice=chosen_library(wanted), actor=None
        )
    except OutsideRegion as error:
        # Its faults name fields of the assistant, not of this body.
        raise InvalidRequest(
            str(error), param="assistants", code="region_not_allowed"
        ) from error
    return Status(201, vars(copied))
