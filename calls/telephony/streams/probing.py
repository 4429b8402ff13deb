"""The step of a connection test that is the same for every carrier of media streams."""

from __future__ import annotations

from django.utils.translation import gettext_noop

from calls.telephony.protocol import ProbeStep
from calls.telephony.streams.door import public_url


def reachable(carrier: str) -> ProbeStep:
    """Tell whether a carrier has been given an address of ours."""
    values = {"carrier": carrier, "url": public_url()}
    if values["url"]:
        detail = gettext_noop("%(carrier)s reaches this installation at %(url)s.")
        return ProbeStep("options", True, detail, values=values)
    return ProbeStep(
        "options",
        False,
        gettext_noop("There is no address at which %(carrier)s could reach us."),
        gettext_noop("Ask the operator of this installation to set STREAM_PUBLIC_URL."),
        values,
    )
