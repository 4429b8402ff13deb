"""The writers of campaigns: making one, adding leads, running and ending it."""

from campaigns.services.changing import (
    change_campaign,
    delete_campaign,
    delete_lead,
)
from campaigns.services.making import NewCampaign, add_leads, create_campaign
from campaigns.services.running import (
    cancel_campaign,
    halt_campaign,
    launch_campaign,
    pause_campaign,
    resume_campaign,
)

__all__ = [
    "NewCampaign",
    "add_leads",
    "cancel_campaign",
    "change_campaign",
    "create_campaign",
    "delete_campaign",
    "delete_lead",
    "halt_campaign",
    "launch_campaign",
    "pause_campaign",
    "resume_campaign",
]
