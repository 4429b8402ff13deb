"""Why a campaign cannot be changed or started.

CampaignError
├── CampaignNotReady   something is missing; the message says what to do
└── CampaignIsFinal    it is completed or cancelled, and stays as it is
"""

from __future__ import annotations


class CampaignError(Exception):
    """The base of everything in this module; `str()` is fit for people."""


class CampaignNotReady(CampaignError):
    """It cannot be launched as it is."""


class CampaignIsFinal(CampaignError):
    """It has ended and cannot be changed any more."""
