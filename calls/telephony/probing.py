"""What connection tests of every carrier say alike."""

from __future__ import annotations

from django.utils.translation import gettext_noop

from calls.telephony.protocol import BadTrunk, ProbeStep


def unusable(error: BadTrunk) -> ProbeStep:
    """Return the step of settings that contradict each other."""
    return ProbeStep(
        "settings",
        False,
        gettext_noop("The settings cannot be used: %(field)s: %(reason)s"),
        gettext_noop("Edit the trunk and mend what is named."),
        {"field": error.field, "reason": str(error)},
    )
