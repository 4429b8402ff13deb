"""Many calls, on purpose: campaigns, their leads, and each attempt to reach one."""

from campaigns.models.campaign import Campaign, CampaignNumber
from campaigns.models.decision import Decision
from campaigns.models.lead import Attempt, Lead
from campaigns.models.lead_import import ImportFault, LeadImport
from campaigns.models.limits import CallingLimits
from campaigns.models.place import LegalHours, LegalVersion, LocalityRow
from campaigns.models.register import Register, RegisterAnswer
from campaigns.models.saved_list import SavedList, SavedPerson
from campaigns.models.suppression import SuppressionEntry
from campaigns.models.template import CampaignTemplate

__all__ = [
    "Attempt",
    "CallingLimits",
    "Campaign",
    "CampaignNumber",
    "CampaignTemplate",
    "Decision",
    "ImportFault",
    "Lead",
    "LeadImport",
    "LegalHours",
    "LegalVersion",
    "LocalityRow",
    "Register",
    "RegisterAnswer",
    "SavedList",
    "SavedPerson",
    "SuppressionEntry",
]
