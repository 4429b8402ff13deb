"""Many calls, on purpose: campaigns, their leads, and each attempt to reach one."""

from campaigns.models.campaign import Campaign
from campaigns.models.lead import Attempt, Lead

__all__ = ["Attempt", "Campaign", "Lead"]
