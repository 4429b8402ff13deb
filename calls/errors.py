"""Why a call cannot be started or steered.

CallError
├── CallRefused        the caller of the service can mend it; `code` and `message` say how
│   ├── AssistantNotReady
│   ├── OrganizationSuspended
│   ├── CallsHalted        somebody stopped all calls
│   ├── DestinationRefused a number the organization may not call
│   ├── RegionRefused      an assistant that sends data where the policy forbids it
│   ├── SpendingTooFast    more calls, or credits, than a while allows
│   ├── MinutesUsedUp    the organization's minutes of this month
│   ├── TooManyCalls     the organization's own limit
│   └── NoCapacity       no voice process has a free place; try again shortly
├── BadCallToken       wrong, used or out of date
├── OriginRefused      a good token, in a page of another website than the call allows
├── CallNotActive      the call is over, or was never there
├── RecordingKept      a recording that may not be deleted now; says why
└── NodeForgotten      a voice process was silent for so long that it was struck off
"""

from __future__ import annotations

from django.utils.translation import gettext_noop


class CallError(Exception):
    """The base of everything in this module."""


class CallRefused(CallError):
    """A call that was not started. Nothing was held or stored.

    The message is English, as programs and records have it; a page puts `str()` of it
    through gettext.
    """

    code = "call_refused"
    message = gettext_noop("The call cannot be started.")

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.message)


class AssistantNotReady(CallRefused):
    code = "assistant_not_ready"
    message = gettext_noop(
        "This assistant is switched off. Activate it, then call again."
    )


class OrganizationSuspended(CallRefused):
    code = "organization_suspended"
    message = gettext_noop(
        "Calls are suspended for this organization. Contact support."
    )


class CallsHalted(CallRefused):
    code = "calls_halted"
    message = gettext_noop("Calls are stopped for now. Contact support.")


class DestinationRefused(CallRefused):
    code = "destination_not_allowed"
    message = gettext_noop("This number may not be called.")


class RegionRefused(CallRefused):
    code = "region_not_allowed"
    message = gettext_noop("The privacy policy does not let this assistant take calls.")


class SpendingTooFast(CallRefused):
    code = "spending_limit"
    message = gettext_noop(
        "More was spent in a short while than is allowed. Try again later."
    )


class TooManyCalls(CallRefused):
    code = "too_many_calls"
    message = gettext_noop(
        "All of your lines are in use. Wait for a call to end, then try again."
    )


class MinutesUsedUp(CallRefused):
    code = "minutes_used_up"
    message = gettext_noop(
        "The minutes of this month are used up. Ask for more to go on."
    )


class NoCapacity(CallRefused):
    code = "no_capacity"
    message = gettext_noop("No voice line is free right now. Try again in a moment.")


class BadCallToken(CallError):
    """The token is not this call's, was used before, or has run out."""


class OriginRefused(CallError):
    """This page may not join the call."""


class CallNotActive(CallError):
    """The call is not going on, so it cannot be steered."""


class RecordingKept(CallError):
    """A recording that may not be deleted now; the message may be shown."""


class NodeForgotten(CallError):
    """The voice process is not in the table any more; it has to start again."""
