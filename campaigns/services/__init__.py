"""The writers of campaigns: making one, adding leads, running and ending it."""

from campaigns.services.changing import (
    change_campaign,
    delete_campaign,
    delete_lead,
)
from campaigns.services.copying import copy_campaign
from campaigns.services.leads import change_lead, requeue_lead, skip_lead
from campaigns.services.lists import (
    Wanted,
    add_list_to_campaign,
    add_to_list,
    delete_list,
    dispositions_of,
    make_list,
    save_campaign_as_list,
)
from campaigns.services.making import (
    NewCampaign,
    add_leads,
    create_campaign,
    set_numbers,
)
from campaigns.services.running import (
    cancel_campaign,
    halt_campaign,
    launch_campaign,
    pause_campaign,
    resume_campaign,
)

__all__ = [
    "NewCampaign",
    "Wanted",
    "add_leads",
    "add_list_to_campaign",
    "add_to_list",
    "cancel_campaign",
    "change_campaign",
    "change_lead",
    "copy_campaign",
    "create_campaign",
    "delete_campaign",
    "delete_lead",
    "delete_list",
    "dispositions_of",
    "halt_campaign",
    "launch_campaign",
    "make_list",
    "pause_campaign",
    "requeue_lead",
    "resume_campaign",
    "save_campaign_as_list",
    "set_numbers",
    "skip_lead",
]
