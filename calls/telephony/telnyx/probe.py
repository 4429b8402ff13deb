"""Tries a Telnyx account: does the key work, is the connection there, can it reach us."""

from __future__ import annotations

from telnyx import APIConnectionError, APIStatusError

from calls.telephony.protocol import ProbeStep, TrunkConfig
from calls.telephony.streams.door import public_url
from calls.telephony.telnyx.carrier import client_of


async def probe(config: TrunkConfig) -> tuple[ProbeStep, ...]:
    """Tell what was seen, in words for the person who set the trunk up."""
    steps = []
    client = client_of(config)
    connection_id = str(config.settings.get("username", ""))
    try:
        found = await client.connections.retrieve(connection_id)
        name = found.data.connection_name if found.data else ""
        steps.append(ProbeStep("account", True, f"The connection is called {name}."))
    except APIStatusError as error:
        text = f"Telnyx refused: {error.message}"[:300]
        steps.append(ProbeStep("auth", False, text))
    except APIConnectionError:
        steps.append(ProbeStep("connect", False, "Telnyx cannot be reached."))
    finally:
        await client.close()
    has_key = bool(config.settings.get("public_key"))
    steps.append(
        ProbeStep(
            "settings",
            has_key,
            "Events are checked with the account's public key."
            if has_key
            else "Enter the account's public key, or no event can be trusted.",
        )
    )
    url = public_url()
    text = f"Telnyx reaches us at {url}." if url else "STREAM_PUBLIC_URL is not set."
    steps.append(ProbeStep("options", bool(url), text))
    return tuple(steps)
