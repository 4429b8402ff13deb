"""Lists of any size going into a campaign over REST: looked at, imported, watched.

A file comes as `multipart/form-data`. Whoever knows it sends it once, with what its
columns are; whoever does not asks for a preview first, which keeps nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from django.http import Http404, HttpResponseBase
from ninja import File, Form, Query, Router, Status
from ninja.files import UploadedFile
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from campaigns.columns import NUMBER, Columns
from campaigns.discarding import discard_import
from campaigns.faults import faults_file
from campaigns.models import Campaign, LeadImport
from campaigns.numbers import region_of
from campaigns.queries import get_campaign
from campaigns.sheets import BadSheet
from campaigns.streaming import (
    Preview,
    cancel_import,
    preview_of,
    resume_import,
    start_import,
)
from portal.api.access import api_requires, require_live_key
from portal.api.errors import Conflict, InvalidRequest, param_path
from portal.api.paging import LongPage, LongPagination, page_of
from portal.http import KeyRequest
from portal.permissions import Permission

router = Router(tags=["Campaigns"])
LEAVE_OUT: Final = "leave_out"
Role = Literal[
    "phone_number",
    "name",
    "time_zone",
    "state",
    "consent_basis",
    "consent_proof",
    "variable",
    "leave_out",
]
_roles: TypeAdapter[dict[str, Role]] = TypeAdapter(dict[str, Role])
SheetFile = Annotated[UploadedFile, File(..., description="CSV or XLSX.")]


class ImportForm(BaseModel):
    """How a file is read; what is left out is guessed."""

    region: str = Field(
        "",
        pattern="^([A-Z]{2})?$",
        description="Country of numbers without a country code; that of the caller.",
        examples=["NL"],
    )
    columns: str = Field(
        "",
        max_length=20_000,
        description="A JSON object: what a column is by its heading, or by its number "
        "from 1 where the file has none. A column that is not named keeps its guess.",
        examples=['{"Mobile": "phone_number", "Internal": "leave_out"}'],
    )


class ColumnJson(BaseModel):
    """One column: its heading (null where there is none), its guess, what it holds."""

    number: int
    heading: str | None
    role: Role
    values: list[str]


class SheetPreview(BaseModel):
    has_headings: bool
    columns: list[ColumnJson]


class ImportJson(BaseModel):
    """How far an import is. `errors` rows could not be used; `faults.csv` says why."""

    id: UUID
    campaign_id: UUID
    file_name: str
    status: str
    percent: int
    added: int
    removed: int
    duplicates: int
    errors: int
    message: str | None
    created_at: datetime
    finished_at: datetime | None


class OneImport(BaseModel):
    lead_import: ImportJson


class Imports(BaseModel):
    imports: list[ImportJson]
    pagination: LongPagination


@router.post("/{uuid:campaign_id}/imports/preview", response=SheetPreview)
@api_requires(Permission.CAMPAIGNS_EDIT)
def preview_import(
    request: KeyRequest, campaign_id: UUID, file: SheetFile
) -> dict[str, Any]:
    """What a file begins with and what its columns seem to be; nothing is kept."""
    get_campaign(campaign_id)
    _refuse_unknown(request, set())
    return preview_json(_preview(file))


@router.post("/{uuid:campaign_id}/imports", response={202: OneImport})
@api_requires(Permission.CAMPAIGNS_EDIT)
def import_leads(
    request: KeyRequest,
    campaign_id: UUID,
    file: SheetFile,
    wanted: Annotated[ImportForm, Form(...)],
) -> Status[dict[str, Any]]:
    """Import a list of any size; read the import again to see how far it is."""
    campaign = get_campaign(campaign_id)
    if campaign.status == Campaign.Status.SCHEDULED:
        require_live_key(request)
    _refuse_unknown(request, set(ImportForm.model_fields))
    columns = chosen_columns(_preview(file), wanted.columns)
    try:
        row = start_import(
            campaign=campaign,
            file=file,
            size=file.size or 0,
            file_name=str(file.name),
            columns=columns,
            region=wanted.region or region_of(campaign.number.number),
            actor=None,
        )
    except BadSheet as error:
        raise InvalidRequest(str(error), param="file") from error
    return Status(202, {"lead_import": import_json(row)})


@router.get("/{uuid:campaign_id}/imports", response=Imports)
@api_requires(Permission.CAMPAIGNS_READ)
def list_imports(
    request: KeyRequest, campaign_id: UUID, wanted: Annotated[LongPage, Query()]
) -> dict[str, Any]:
    """Imports of a campaign, newest first."""
    # An upload whose columns are still to be said on its page is no import yet.
    rows = LeadImport.objects.filter(campaign=get_campaign(campaign_id)).exclude(
        status=LeadImport.Status.UPLOADED
    )
    page, said = page_of(rows, wanted, rows.count())
    return {"imports": [import_json(row) for row in page], "pagination": said}


@router.get("/{uuid:campaign_id}/imports/{uuid:import_id}", response=OneImport)
@api_requires(Permission.CAMPAIGNS_READ)
def read_import(
    request: KeyRequest, campaign_id: UUID, import_id: UUID
) -> dict[str, Any]:
    """How far one import is."""
    return {"lead_import": import_json(_import(campaign_id, import_id))}


@router.post("/{uuid:campaign_id}/imports/{uuid:import_id}/cancel", response=OneImport)
@api_requires(Permission.CAMPAIGNS_EDIT)
def stop_import(
    request: KeyRequest, campaign_id: UUID, import_id: UUID
) -> dict[str, Any]:
    """Stop an import; who is in stays in. It can go on, or be discarded."""
    if not cancel_import(row=_import(campaign_id, import_id), actor=None):
        raise Conflict("This import is over.")
    return {"lead_import": import_json(_import(campaign_id, import_id))}


@router.post("/{uuid:campaign_id}/imports/{uuid:import_id}/resume", response=OneImport)
@api_requires(Permission.CAMPAIGNS_EDIT)
def go_on_with_import(
    request: KeyRequest, campaign_id: UUID, import_id: UUID
) -> dict[str, Any]:
    """Go on with an import that was stopped, behind its last row.

    Its file is kept for a week.
    """
    row = _import(campaign_id, import_id)
    if row.campaign.status == Campaign.Status.SCHEDULED:
        require_live_key(request)
    if not resume_import(row=row, actor=None):
        raise Conflict("This import was not stopped, or its file is gone.")
    return {"lead_import": import_json(_import(campaign_id, import_id))}


@router.post("/{uuid:campaign_id}/imports/{uuid:import_id}/discard", response=OneImport)
@api_requires(Permission.CAMPAIGNS_EDIT)
def take_back_import(
    request: KeyRequest, campaign_id: UUID, import_id: UUID
) -> dict[str, Any]:
    """Take the people of an import that is over out again, those nobody called.

    `discarded` once all are out; read the import again to see how far it is.
    """
    if not discard_import(row=_import(campaign_id, import_id), actor=None):
        raise Conflict("Stop this import first.")
    return {"lead_import": import_json(_import(campaign_id, import_id))}


@router.get("/{uuid:campaign_id}/imports/{uuid:import_id}/faults.csv")
@api_requires(Permission.CAMPAIGNS_READ)
def download_import_faults(
    request: KeyRequest, campaign_id: UUID, import_id: UUID
) -> HttpResponseBase:
    """The rows that could not be used, as CSV: line, value, problem."""
    return faults_file(_import(campaign_id, import_id))


def chosen_columns(preview: Preview, text: str) -> Columns:
    """Return what each column is: as the caller says, else as it seems."""
    roles = _guesses(preview)
    names = _names(preview)
    for name, role in _sent_roles(text).items():
        at = [index for index, one in enumerate(names) if one == name]
        if not at:
            raise InvalidRequest(
                "The file has no such column.", param=param_path(("columns", name))
            )
        for index in at:
            roles[index] = role
    columns = Columns.chosen(
        preview.headings, ["" if role == LEAVE_OUT else role for role in roles]
    )
    if NUMBER not in columns.roles:
        raise InvalidRequest(
            "Say which column holds the telephone numbers.", param="columns"
        )
    return columns


def preview_json(preview: Preview) -> dict[str, Any]:
    """Return what a file begins with as the API shows it."""
    return {
        "has_headings": preview.has_headings,
        "columns": [
            {
                "number": index + 1,
                "heading": heading if preview.has_headings else None,
                "role": role,
                "values": [row[index] for row in preview.rows if index < len(row)],
            }
            for index, (heading, role) in enumerate(
                zip(preview.headings, _guesses(preview), strict=True)
            )
        ],
    }


def import_json(row: LeadImport) -> dict[str, Any]:
    """Return an import as the API shows it."""
    names = (
        *("campaign_id", "file_name", "status", "percent"),
        *("added", "removed", "duplicates"),
    )
    return {name: getattr(row, name) for name in names} | {
        "id": row.pk,
        "errors": row.error_count,
        "message": row.message or None,
        "created_at": row.created_at,
        "finished_at": row.finished_at,
    }


def _preview(file: UploadedFile) -> Preview:
    try:
        return preview_of(file)
    except BadSheet as error:
        raise InvalidRequest(str(error), param="file") from error


def _guesses(preview: Preview) -> list[Role]:
    """Return what each column seems to be, in their order."""
    known: dict[int, Any] = {at: role for role, at in preview.columns.roles.items()}
    known |= dict.fromkeys(preview.columns.variables.values(), "variable")
    return [known.get(index, LEAVE_OUT) for index in range(len(preview.headings))]


def _names(preview: Preview) -> list[str]:
    if preview.has_headings:
        return preview.headings
    return [str(index + 1) for index in range(len(preview.headings))]


def _sent_roles(text: str) -> dict[str, Role]:
    if not text:
        return {}
    try:
        return _roles.validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidRequest(
            first["msg"], param=param_path(("columns", *first["loc"]))
        ) from error


def _refuse_unknown(request: KeyRequest, known: set[str]) -> None:
    for name in (*request.POST, *request.FILES):
        if name not in known | {"file"}:
            raise InvalidRequest(f"Unknown field: {name}", param=name)


def _import(campaign_id: UUID, import_id: UUID) -> LeadImport:
    row = (
        LeadImport.objects.select_related("organization", "campaign")
        .filter(campaign=get_campaign(campaign_id), pk=import_id)
        .exclude(status=LeadImport.Status.UPLOADED)
        .first()
    )
    if row is None:
        raise Http404("No such import.")
    return row
