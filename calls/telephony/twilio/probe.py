"""Tries a Twilio account: is it there, are its numbers, can Twilio reach us."""

from __future__ import annotations

from django.utils.translation import gettext_noop
from twilio.base.exceptions import TwilioException, TwilioRestException

from calls.telephony.protocol import ProbeStep, TrunkConfig
from calls.telephony.streams.probing import reachable
from calls.telephony.twilio.carrier import client_of


async def probe(config: TrunkConfig) -> tuple[ProbeStep, ...]:
    """Tell what was seen, in words for the person who set the trunk up."""
    client = client_of(config)
    steps = []
    try:
        account = await client.api.v2010.accounts(client.account_sid).fetch_async()
        steps.append(
            ProbeStep(
                "account",
                account.status == "active",
                gettext_noop("Twilio says that the account is %(status)s."),
                values={"status": str(account.status)},
            )
        )
        found = {
            number.phone_number
            for number in await client.incoming_phone_numbers.list_async(limit=200)
        }
        steps.append(_numbers(config.numbers, found))
    except TwilioRestException as error:
        steps.append(
            ProbeStep(
                "auth",
                False,
                gettext_noop("Twilio refused: %(reason)s"),
                gettext_noop("Enter the account SID and its auth token again."),
                {"reason": str(error.msg)[:300]},
            )
        )
    except (TwilioException, TimeoutError, OSError):
        unreachable = gettext_noop("Twilio cannot be reached.")
        steps.append(ProbeStep("connect", False, unreachable))
    steps.append(reachable("Twilio"))
    return tuple(steps)


def _numbers(ours: frozenset[str], found: set[str]) -> ProbeStep:
    missing = sorted(ours - found)
    if missing:
        return ProbeStep(
            "numbers",
            False,
            gettext_noop("Not in this account: %(numbers)s."),
            gettext_noop("Buy or port them at Twilio, or give them another trunk."),
            {"numbers": ", ".join(missing)[:300]},
        )
    detail = gettext_noop("Numbers in this account: %(count)s.")
    return ProbeStep("numbers", True, detail, values={"count": str(len(found))})
