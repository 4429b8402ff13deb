"""Why a campaign cannot be changed or started.

CampaignError
├── CampaignNotReady   something is missing; the message says what to do
├── CampaignIsFinal    it is completed or cancelled, and stays as it is
├── ListNameTaken      a saved list has this name already
├── RegisterNameTaken  an external register has this name already
└── TooManyRegisters   as many registers as are asked at most
"""

from __future__ import annotations


class CampaignError(Exception):
    """The base of everything in this module; `str()` is fit for people.

    `param` is the API's field at fault, where it is one.
    """

    def __init__(self, message: object = "", *, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class CampaignNotReady(CampaignError):
    """It cannot be launched as it is."""


class CampaignIsFinal(CampaignError):
    """It has ended and cannot be changed any more."""


class ListNameTaken(CampaignError):
    """A list of this name is there already."""


class RegisterNameTaken(CampaignError):
    """A register of this name is there already."""


class TooManyRegisters(CampaignError):
    """No further register can be entered."""
