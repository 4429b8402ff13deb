"""What comes out of a campaign over REST: a report as a file, and the next campaign."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpResponseBase
from ninja import Body as BodyParam, Router, Status
from pydantic import Field

from campaigns import services
from campaigns.api import campaign_json
from campaigns.api_shapes import OneCampaign, OutcomeName
from campaigns.outcomes import Outcome
from campaigns.queries import get_campaign, progress_of
from campaigns.reporting import report_file
from portal.api.access import api_requires
from portal.api.paging import Body
from portal.http import KeyRequest
from portal.permissions import Permission

router = Router(tags=["Campaigns"])


class CopyBody(Body):
    """Whose people the copy has: those of some last results; nothing is everybody."""

    outcomes: list[OutcomeName] = Field([], max_length=len(Outcome))
    dispositions: list[Annotated[str, Field(max_length=60)]] = Field([], max_length=50)


@router.post("/{uuid:campaign_id}/copy", response={201: OneCampaign})
@api_requires(Permission.CAMPAIGNS_EDIT)
def copy_campaign(
    request: KeyRequest,
    campaign_id: UUID,
    wanted: Annotated[CopyBody, BodyParam(...)],
) -> Status[dict[str, Any]]:
    """Make a draft like a campaign, with all of its people or some; attempts begin anew."""
    made = services.copy_campaign(
        campaign=get_campaign(campaign_id),
        actor=None,
        wanted=services.Wanted(tuple(wanted.outcomes), tuple(wanted.dispositions)),
    )
    campaign = get_campaign(made.pk)
    shown = campaign_json(request, campaign, progress_of(campaign))
    return Status(201, {"campaign": shown})


@router.get("/{uuid:campaign_id}/report.csv")
@api_requires(Permission.CAMPAIGNS_READ)
def download_report_csv(request: KeyRequest, campaign_id: UUID) -> HttpResponseBase:
    """Every lead with its outcome, its cost and what was found, as CSV."""
    return report_file(get_campaign(campaign_id), "csv")


@router.get("/{uuid:campaign_id}/report.xlsx")
@api_requires(Permission.CAMPAIGNS_READ)
def download_report_xlsx(request: KeyRequest, campaign_id: UUID) -> HttpResponseBase:
    """The same as a spreadsheet."""
    return report_file(get_campaign(campaign_id), "xlsx")
