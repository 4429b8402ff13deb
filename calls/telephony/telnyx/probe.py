"""Tries a Telnyx account: does the key work, is the connection there, can it reach us."""

from __future__ import annotations

from django.utils.translation import gettext_noop
from telnyx import APIConnectionError, APIStatusError

from calls.telephony.protocol import ProbeStep, TrunkConfig
from calls.telephony.streams.probing import reachable
from calls.telephony.telnyx.carrier import client_of


async def probe(config: TrunkConfig) -> tuple[ProbeStep, ...]:
    """Tell what was seen, in words for the person who set the trunk up."""
    steps = []
    client = client_of(config)
    connection_id = str(config.settings.get("username", ""))
    try:
        found = await client.connections.retrieve(connection_id)
        name = found.data.connection_name if found.data else ""
        detail = gettext_noop("The connection at Telnyx is called %(name)s.")
        steps.append(ProbeStep("account", True, detail, values={"name": str(name)}))
    except APIStatusError as error:
        steps.append(
            ProbeStep(
                "auth",
                False,
                gettext_noop("Telnyx refused: %(reason)s"),
                gettext_noop("Enter the API key and the connection id again."),
                {"reason": str(error.message)[:300]},
            )
        )
    except APIConnectionError:
        unreachable = gettext_noop("Telnyx cannot be reached.")
        steps.append(ProbeStep("connect", False, unreachable))
    finally:
        await client.close()
    steps.append(_signature(bool(config.settings.get("public_key"))))
    steps.append(reachable("Telnyx"))
    return tuple(steps)


def _signature(has_key: bool) -> ProbeStep:
    if has_key:
        checked = gettext_noop("Events are checked with the account's public key.")
        return ProbeStep("settings", True, checked)
    return ProbeStep(
        "settings",
        False,
        gettext_noop(
            "The account's public key is missing, so no event can be trusted."
        ),
        gettext_noop("Enter the public key that the Telnyx portal shows."),
    )
