"""Tries a Twilio account: is it there, are its numbers, can Twilio reach us."""

from __future__ import annotations

from twilio.base.exceptions import TwilioException, TwilioRestException

from calls.telephony.protocol import ProbeStep, TrunkConfig
from calls.telephony.streams.door import public_url
from calls.telephony.twilio.carrier import client_of


async def probe(config: TrunkConfig) -> tuple[ProbeStep, ...]:
    """Tell what was seen, in words for the person who set the trunk up."""
    client = client_of(config)
    steps = []
    try:
        account = await client.api.v2010.accounts(client.account_sid).fetch_async()
        is_active = account.status == "active"
        steps.append(
            ProbeStep("account", is_active, f"The account is {account.status}.")
        )
        found = {
            number.phone_number
            for number in await client.incoming_phone_numbers.list_async(limit=200)
        }
        missing = sorted(config.numbers - found)
        steps.append(
            ProbeStep(
                "numbers",
                not missing,
                f"Not in this account: {', '.join(missing)}."
                if missing
                else f"{len(found)} numbers are in this account.",
            )
        )
    except TwilioRestException as error:
        steps.append(ProbeStep("auth", False, f"Twilio refused: {error.msg}"))
    except (TwilioException, TimeoutError, OSError):
        steps.append(ProbeStep("connect", False, "Twilio cannot be reached."))
    url = public_url()
    steps.append(
        ProbeStep(
            "options",
            bool(url),
            f"Twilio reaches us at {url}." if url else "STREAM_PUBLIC_URL is not set.",
        )
    )
    return tuple(steps)
