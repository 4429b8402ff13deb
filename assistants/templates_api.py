"""Tool and analysis templates over REST; both generations of field names go in and out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from ninja import Body as BodyParam, Query, Router, Status
from pydantic import BaseModel, Field, ValidationError

from assistants import analysis_templates, tool_templates
from assistants.analysis_plan import MAX_MESSAGES, PromptMessage
from assistants.models import AnalysisTemplate, ToolTemplate
from assistants.templates import delete_template, get_template, search_templates
from assistants.tool_shapes import ObjectSchema
from common.http import OutboundError
from portal.api.access import api_requires
from portal.api.errors import InvalidRequest, invalid_request
from portal.api.paging import Body, Deleted, Pagination, PaginationJson
from portal.http import KeyRequest
from portal.permissions import Permission

tools = Router(tags=["Tool templates"])
analyses = Router(tags=["Analysis templates"])

MAX_PROMPT: Final = 20_000
_MOOD: Final = {"type": "object", "properties": {"mood": {"type": "string"}}}
_OLDER_KINDS: Final = {"endCall": "end_call", "transferCall": "transfer_call"}


class TemplatePage(BaseModel):
    """Which templates are wanted; `q` are words of the name or description."""

    limit: int = Field(50, ge=1, le=100)
    offset: int = Field(0, ge=0, le=10_000_000)
    q: str = Field("", max_length=100)


def _page(rows: Any, page: TemplatePage) -> tuple[list[Any], PaginationJson]:
    total = rows.count()
    found = list(rows[page.offset : page.offset + page.limit])
    return found, {"total": total, "limit": page.limit, "offset": page.offset}


def _missing(name: str) -> InvalidRequest:
    message = f"Missing required field: {name}"
    return InvalidRequest(message, param=name, code="missing_field")


# --- tools ----------------------------------------------------------------------------
class FunctionDefinitionJson(BaseModel):
    name: str
    description: str
    parameters: dict[str, Any]


class ToolTemplateBody(Body):
    """A template: `tool_type` and `tool_config`, or the older names of a function."""

    name: str | None = Field(None, min_length=1, max_length=120)
    description: str | None = Field(None, max_length=2_000)
    tool_type: str | None = Field(None, examples=["function"])
    tool_config: dict[str, Any] | None = None
    function_definition: dict[str, Any] | None = None
    server_url: str | None = Field(None, max_length=2_000)
    server_secret: str | None = Field(None, max_length=500)
    run_async: bool | None = Field(None, alias="async")


class ToolTemplateJson(BaseModel):
    """A template in both generations of names; its secret is never given back."""

    id: UUID
    org_id: UUID
    name: str
    description: str
    tool_type: str
    tool_config: dict[str, Any]
    function_definition: FunctionDefinitionJson | None
    server_url: str | None
    has_server_secret: bool
    run_async: bool = Field(serialization_alias="async")
    created_at: datetime
    updated_at: datetime


class OneToolTemplate(BaseModel):
    tool_template: ToolTemplateJson


class ToolTemplates(BaseModel):
    tool_templates: list[ToolTemplateJson]
    pagination: Pagination


def _tool_json(row: ToolTemplate) -> dict[str, Any]:
    config = row.tool_config
    is_function = row.tool_type == ToolTemplate.Kind.FUNCTION
    return {
        "id": row.pk,
        "org_id": row.organization_id,
        "name": row.name,
        "description": row.description,
        "tool_type": row.tool_type,
        "tool_config": config,
        "function_definition": {
            "name": config.get("name", ""),
            "description": config.get("description", ""),
            "parameters": config.get("parameters", {}),
        }
        if is_function
        else None,
        "server_url": config.get("url"),
        "has_server_secret": bool(row.server_secret),
        "run_async": bool(config.get("async")),
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def _merged_config(body: ToolTemplateBody, row: ToolTemplate | None) -> dict[str, Any]:
    """What the body says over what there is; the older names go into the newer ones."""
    config = dict(row.tool_config) if row and row.tool_type == _kind(body, row) else {}
    if body.tool_config is not None:
        config = dict(body.tool_config)
    config |= body.function_definition or {}
    if "server_url" in body.model_fields_set:
        config["url"] = body.server_url
    if body.run_async is not None:
        config["async"] = body.run_async
    return config


def _kind(body: ToolTemplateBody, row: ToolTemplate | None) -> str:
    kind = body.tool_type or (row.tool_type if row else "function")
    kind = _OLDER_KINDS.get(kind, kind)
    if kind not in ToolTemplate.Kind.values:
        allowed = ", ".join(ToolTemplate.Kind.values)
        raise InvalidRequest(f"Choose one of: {allowed}.", param="tool_type")
    return kind


def _save_tool(
    request: KeyRequest, body: ToolTemplateBody, row: ToolTemplate | None
) -> ToolTemplate:
    name = body.name or (row.name if row else "")
    if not name:
        raise _missing("name")
    description = row.description if row else ""
    if body.description is not None:
        description = body.description
    kind, given = _kind(body, row), _merged_config(body, row)
    if kind == "function" and description:
        given.setdefault("description", description)
    # Where a fault of the config stands in what was sent.
    at = "function_definition" if body.function_definition else "tool_config"
    try:
        config, secret = tool_templates.checked_config(kind, given, name=name)
    except ValidationError as error:
        errors = [
            {**one, "loc": (at, *one["loc"])} for one in error.errors(include_url=False)
        ]
        raise invalid_request(errors, {at: given}) from error
    except OutboundError as error:
        param = "server_url" if body.server_url else f"{at}.url"
        raise InvalidRequest(str(error), param=param) from error
    return tool_templates.save_tool_template(
        organization=request.organization,
        template=row,
        name=name,
        description=description,
        kind=kind,
        config=config,
        secret=body.server_secret
        if "server_secret" in body.model_fields_set
        else secret or None,
        actor=None,
    )


@tools.get("", response=ToolTemplates, by_alias=True)
@api_requires(Permission.ASSISTANTS_READ)
def list_tool_templates(
    request: KeyRequest, page: Annotated[TemplatePage, Query()]
) -> dict[str, Any]:
    """The organization's tool templates, by name."""
    rows, pagination = _page(search_templates(ToolTemplate, page.q), page)
    return {
        "tool_templates": [_tool_json(row) for row in rows],
        "pagination": pagination,
    }


@tools.post("", response={201: OneToolTemplate}, by_alias=True)
@api_requires(Permission.ASSISTANTS_EDIT)
def create_tool_template(
    request: KeyRequest, body: Annotated[ToolTemplateBody, BodyParam(...)]
) -> Status[dict[str, Any]]:
    """Keep a tool to copy into assistants; it takes the older names as well."""
    return Status(201, {"tool_template": _tool_json(_save_tool(request, body, None))})


@tools.get("/{uuid:template_id}", response=OneToolTemplate, by_alias=True)
@api_requires(Permission.ASSISTANTS_READ)
def read_tool_template(request: KeyRequest, template_id: UUID) -> dict[str, Any]:
    """One tool template."""
    return {"tool_template": _tool_json(get_template(ToolTemplate, template_id))}


@tools.patch("/{uuid:template_id}", response=OneToolTemplate, by_alias=True)
@api_requires(Permission.ASSISTANTS_EDIT)
def change_tool_template(
    request: KeyRequest,
    template_id: UUID,
    body: Annotated[ToolTemplateBody, BodyParam(...)],
) -> dict[str, Any]:
    """Change what is given; assistants keep the copies they have."""
    row = get_template(ToolTemplate, template_id)
    return {"tool_template": _tool_json(_save_tool(request, body, row))}


@tools.delete("/{uuid:template_id}", response=Deleted)
@api_requires(Permission.ASSISTANTS_EDIT)
def delete_tool_template(request: KeyRequest, template_id: UUID) -> dict[str, bool]:
    """Delete a template; assistants keep the copies they have."""
    row = get_template(ToolTemplate, template_id)
    delete_template(template=row, actor=None)
    return {"success": True}


# --- analyses -------------------------------------------------------------------------
class AnalysisTemplateBody(Body):
    """A template: prompts of its own, or none, and the schema of what to find."""

    name: str | None = Field(None, min_length=1, max_length=120)
    description: str | None = Field(None, max_length=2_000)
    system_prompt: str | None = Field(None, max_length=MAX_PROMPT)
    user_prompt: str | None = Field(None, max_length=MAX_PROMPT)
    json_schema: ObjectSchema | None = Field(
        None, alias="schema", examples=[_MOOD], json_schema_extra={"minProperties": 1}
    )
    messages: list[PromptMessage] | None = Field(None, max_length=MAX_MESSAGES)
    min_messages_threshold: int | None = Field(None, ge=0, le=100)


class NewAnalysisTemplate(AnalysisTemplateBody):
    """A template needs a name and the schema of what to find."""

    name: str = Field(min_length=1, max_length=120)
    json_schema: ObjectSchema = Field(
        alias="schema", examples=[_MOOD], json_schema_extra={"minProperties": 1}
    )


class AnalysisTemplateJson(BaseModel):
    """A template; `messages` are its prompts in the names of an assistant's plan."""

    id: UUID
    org_id: UUID
    name: str
    description: str
    system_prompt: str
    user_prompt: str
    json_schema: dict[str, Any] = Field(serialization_alias="schema")
    messages: list[PromptMessage]
    min_messages_threshold: int
    created_at: datetime
    updated_at: datetime


class OneAnalysisTemplate(BaseModel):
    analysis_template: AnalysisTemplateJson


class AnalysisTemplates(BaseModel):
    analysis_templates: list[AnalysisTemplateJson]
    pagination: Pagination


def _analysis_json(row: AnalysisTemplate) -> dict[str, Any]:
    return {
        "id": row.pk,
        "org_id": row.organization_id,
        "name": row.name,
        "description": row.description,
        "system_prompt": row.system_prompt,
        "user_prompt": row.user_prompt,
        "json_schema": row.schema,
        "messages": analysis_templates.messages_of(row),
        "min_messages_threshold": row.min_messages_threshold,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def _save_analysis(
    request: KeyRequest, body: AnalysisTemplateBody, row: AnalysisTemplate | None
) -> AnalysisTemplate:
    values = body.model_dump(exclude_none=True, exclude={"messages", "json_schema"})
    if body.json_schema is not None:
        values["schema"] = body.json_schema
    if body.messages is not None:
        for role in ("system", "user"):
            texts = [one.content for one in body.messages if one.role == role]
            values[f"{role}_prompt"] = "\n\n".join(texts)
    if not values.get("schema", row.schema if row else {}).get("properties"):
        raise InvalidRequest("Give a schema with properties.", param="schema")
    return analysis_templates.save_analysis_template(
        organization=request.organization,
        template=row,
        values=values,
        actor=None,
    )


@analyses.get("", response=AnalysisTemplates, by_alias=True)
@api_requires(Permission.ASSISTANTS_READ)
def list_analysis_templates(
    request: KeyRequest, page: Annotated[TemplatePage, Query()]
) -> dict[str, Any]:
    """The organization's analysis templates, by name."""
    rows, pagination = _page(search_templates(AnalysisTemplate, page.q), page)
    return {
        "analysis_templates": [_analysis_json(row) for row in rows],
        "pagination": pagination,
    }


@analyses.post("", response={201: OneAnalysisTemplate}, by_alias=True)
@api_requires(Permission.ASSISTANTS_EDIT)
def create_analysis_template(
    request: KeyRequest, body: Annotated[NewAnalysisTemplate, BodyParam(...)]
) -> Status[dict[str, Any]]:
    """Keep an analysis to copy into assistants."""
    row = _save_analysis(request, body, None)
    return Status(201, {"analysis_template": _analysis_json(row)})


@analyses.get("/{uuid:template_id}", response=OneAnalysisTemplate, by_alias=True)
@api_requires(Permission.ASSISTANTS_READ)
def read_analysis_template(request: KeyRequest, template_id: UUID) -> dict[str, Any]:
    """One analysis template."""
    row = get_template(AnalysisTemplate, template_id)
    return {"analysis_template": _analysis_json(row)}


@analyses.patch("/{uuid:template_id}", response=OneAnalysisTemplate, by_alias=True)
@api_requires(Permission.ASSISTANTS_EDIT)
def change_analysis_template(
    request: KeyRequest,
    template_id: UUID,
    body: Annotated[AnalysisTemplateBody, BodyParam(...)],
) -> dict[str, Any]:
    """Change what is given; assistants keep the copies they have."""
    row = get_template(AnalysisTemplate, template_id)
    return {"analysis_template": _analysis_json(_save_analysis(request, body, row))}


@analyses.delete("/{uuid:template_id}", response=Deleted)
@api_requires(Permission.ASSISTANTS_EDIT)
def delete_analysis_template(request: KeyRequest, template_id: UUID) -> dict[str, bool]:
    """Delete a template; assistants keep the copies they have."""
    row = get_template(AnalysisTemplate, template_id)
    delete_template(template=row, actor=None)
    return {"success": True}
