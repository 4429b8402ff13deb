"""Campaigns to start from over REST: read, and taken away.

An agency puts them into a client's organization; `POST /campaigns` starts from one.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import Http404
from ninja import Query, Router
from pydantic import BaseModel

from campaigns.models import CampaignTemplate
from campaigns.services import templates
from portal.api.access import api_requires
from portal.api.paging import Deleted, Page, Pagination, pagination
from portal.http import KeyRequest
from portal.permissions import Permission

router = Router(tags=["Campaigns"])


class CampaignTemplateJson(BaseModel):
    """Settings of a campaign without its people, its number and its consent."""

    id: UUID
    name: str
    assistant_id: UUID
    agent_name: str
    system_message_template: str | None
    max_concurrent_calls: int
    max_attempts: int
    retry_delay_seconds: int
    created_at: datetime


class OneCampaignTemplate(BaseModel):
    campaign_template: CampaignTemplateJson


class CampaignTemplates(BaseModel):
    campaign_templates: list[CampaignTemplateJson]
    pagination: Pagination


def template_json(row: CampaignTemplate) -> dict[str, Any]:
    settings = row.settings
    return {
        "id": row.pk,
        "name": row.name,
        "assistant_id": row.assistant_id,
        "agent_name": row.assistant.name,
        "system_message_template": settings["system_message_template"] or None,
        "max_concurrent_calls": settings["max_concurrent_calls"],
        "max_attempts": settings["max_attempts"],
        "retry_delay_seconds": settings["retry_delay_s"],
        "created_at": row.created_at,
    }


@router.get("", response=CampaignTemplates)
@api_requires(Permission.CAMPAIGNS_READ)
def list_campaign_templates(
    request: KeyRequest, wanted: Annotated[Page, Query()]
) -> dict[str, Any]:
    """Templates whose assistant can talk, by name."""
    rows = templates.usable_templates()
    page = rows[wanted.offset : wanted.offset + wanted.limit]
    return {
        "campaign_templates": [template_json(row) for row in page],
        "pagination": pagination(wanted, len(rows)),
    }


@router.get("/{uuid:campaign_template_id}", response=OneCampaignTemplate)
@api_requires(Permission.CAMPAIGNS_READ)
def read_campaign_template(
    request: KeyRequest, campaign_template_id: UUID
) -> dict[str, Any]:
    """One template."""
    return {"campaign_template": template_json(_template(campaign_template_id))}


@router.delete("/{uuid:campaign_template_id}", response=Deleted)
@api_requires(Permission.CAMPAIGNS_EDIT)
def delete_campaign_template(
    request: KeyRequest, campaign_template_id: UUID
) -> dict[str, bool]:
    """Take a template away; campaigns made from it stay."""
    row = _template(campaign_template_id)
    templates.delete_campaign_template(template=row, actor=None)
    return {"success": True}


def _template(template_id: UUID) -> CampaignTemplate:
    rows = CampaignTemplate.objects.select_related("assistant")
    row = rows.filter(pk=template_id).first()
    if row is None:
        raise Http404("No such template.")
    return row
