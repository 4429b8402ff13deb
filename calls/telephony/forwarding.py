"""How to send a carrier's calls here, written for the person who has to do it.

`{address}` is where this installation takes SIP calls, `{number}` the number in
question, `{host}`, `{username}` and `{trunk}` the trunk's own values. Names of menus are
the carrier's; what a carrier renames, somebody here must read again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


@dataclass(frozen=True)
class Provider:
    """A carrier people bring: what a new trunk starts with, and how to set it up there.

    `inbound` sends calls here; `outbound` lets us call out. `snippet` is a file to copy.
    """

    name: str
    label: Text
    carrier: str = "sip"
    host: str = ""
    host_hint: Text = ""
    transport: str = "udp"
    registers: bool = False
    number_format: str = "plus"
    calls_per_second: int = 1
    inbound_addresses: tuple[str, ...] = ()
    inbound: tuple[Text, ...] = ()
    outbound: tuple[Text, ...] = ()
    snippet: str = ""


_ASTERISK: Final = """\
; pjsip.conf
[portal]
type = endpoint
transport = transport-udp
context = from-portal
disallow = all
allow = alaw,ulaw
aors = portal
outbound_auth = portal
direct_media = no
dtmf_mode = rfc4733

[portal]
type = aor
contact = sip:{address}
qualify_frequency = 60

[portal]
type = auth
auth_type = userpass
username = {username}
password = <the trunk's password>

[portal]
type = identify
endpoint = portal
match = {address_host}

; extensions.conf
[from-trunk]
exten => {number},1,Dial(PJSIP/{number}@portal,45)
 same => n,Hangup()
"""

PROVIDERS: Final[tuple[Provider, ...]] = (
    Provider(
        "twilio",
        "Twilio Elastic SIP Trunking",
        host_hint=_("Your termination URI, such as acme.pstn.twilio.com."),
        transport="tls",
        inbound=(
            _("In the Twilio console open Elastic SIP Trunking → Manage → Trunks."),
            _("Open your trunk, or create one, and choose Origination."),
            _("Add the origination URI sip:{address} with priority 10 and weight 10."),
            _("Choose Numbers and add {number} to the trunk."),
            _(
                "Copy the signalling addresses of your edge from Twilio's page "
                "“IP addresses for SIP trunking” into “Calls come in from” here."
            ),
        ),
        outbound=(
            _("Choose Termination and set a termination URI; it is the address here."),
            _(
                "Under Authentication add a credential list with the user name and "
                "password you entered here."
            ),
            _("Numbers are written in full, such as {number}."),
        ),
    ),
    Provider(
        "telnyx",
        "Telnyx",
        host="sip.telnyx.eu",
        host_hint=_("sip.telnyx.eu in Europe, sip.telnyx.com in the United States."),
        transport="tls",
        registers=True,
        calls_per_second=10,
        inbound=(
            _(
                "In the Telnyx portal open Voice → SIP Trunking and create a connection."
            ),
            _(
                "Choose Credentials as its type, and enter its user name and password "
                "here; with registration on, calls come in by themselves."
            ),
            _("Or choose FQDN and enter {address}."),
            _("Under Numbers → My numbers assign {number} to the connection."),
            _("Under Inbound set the number format to +E.164."),
        ),
        outbound=(
            _("Create an outbound voice profile and give it to the connection."),
            _("Allow the countries you want to call in that profile."),
        ),
    ),
    Provider(
        "twilio-api",
        _("Twilio without a SIP trunk"),
        carrier="twilio",
        inbound=(
            _("Enter the Account SID as user name and the auth token as password."),
            _("In the Twilio console open Phone numbers → Active numbers → {number}."),
            _(
                "Under “A call comes in” choose Webhook, HTTP POST and enter {voice_url}."
            ),
        ),
        outbound=(
            _("Calls go out by Twilio's API with the number as caller ID."),
            _("Allow the countries you call under Voice → Geo permissions."),
        ),
    ),
    Provider(
        "telnyx-api",
        _("Telnyx without a SIP trunk"),
        carrier="telnyx",
        calls_per_second=10,
        inbound=(
            _("In the Telnyx portal create a Voice API application."),
            _("Set its webhook URL to {events_url} and its API version to v2."),
            _("Enter its id as user name, an API key as password, and the public key."),
            _("Under Numbers → My numbers assign {number} to the application."),
        ),
        outbound=(
            _("Give the application an outbound voice profile."),
            _("Allow the countries you want to call in that profile."),
        ),
    ),
    Provider(
        "voys",
        "Voys",
        host_hint=_("The server Voys shows beside your VoIP account."),
        transport="tls",
        registers=True,
        number_format="national",
        inbound=(
            _("In Freedom, add a VoIP account for this portal."),
            _("Enter its account ID and password here, and keep registration on."),
            _("Open your dial plan and let {number} end at this VoIP account."),
        ),
        outbound=(
            _("On the VoIP account choose {number} as the outgoing number."),
            _("Ask Voys how many calls the account may hold at once."),
        ),
    ),
    Provider(
        "bird",
        "Bird (MessageBird)",
        host_hint=_("The termination host that Bird shows for your SIP trunk."),
        transport="tls",
        inbound=(
            _("In Bird open SIP trunking and create an origination trunk."),
            _("Set its destination to sip:{number}@{address}."),
            _("Assign {number} to this trunk."),
        ),
        outbound=(
            _("Create a termination trunk; its host is the address here."),
            _(
                "Choose digest authentication, with the user name and password you "
                "entered here, or put this server's address on its access list."
            ),
        ),
    ),
    Provider(
        "vonage",
        "Vonage",
        host="sip.nexmo.com",
        host_hint=_("sip.nexmo.com, or your own domain such as acme.sip-eu.nexmo.com."),
        transport="tls",
        number_format="digits",
        calls_per_second=3,
        inbound=(
            _("In the Vonage dashboard open Numbers → Your numbers."),
            _(
                "Edit {number}, choose “Forward to SIP” and enter {number_digits}@{address}."
            ),
        ),
        outbound=(
            _("The user name is your API key, the password your API secret."),
            _("Vonage writes numbers without the plus."),
        ),
    ),
    Provider(
        "asterisk",
        "Asterisk",
        host_hint=_("The address of your Asterisk."),
        inbound=(
            _("Add the lines below to pjsip.conf and extensions.conf."),
            _("Reload with `asterisk -rx 'core reload'`."),
        ),
        outbound=(
            _("Point the trunk here at your Asterisk, and let its context dial out."),
        ),
        snippet=_ASTERISK,
    ),
    Provider(
        "3cx",
        "3CX",
        host_hint=_("The FQDN of your 3CX."),
        registers=True,
        inbound=(
            _("In the 3CX console open Voice & Chat → Add trunk → Generic SIP trunk."),
            _("Set the registrar to {address} and the main number to {number}."),
            _("Choose “Do not require – IP based” for incoming authentication."),
            _("Let an inbound rule or a queue route the calls to this trunk."),
        ),
        outbound=(
            _(
                "Or add an extension for this portal: enter its authentication ID and "
                "password here and keep registration on. Calls to the extension come in, "
                "and calls from here leave by your outbound rules."
            ),
        ),
    ),
    Provider(
        "other",
        _("Another carrier"),
        host_hint=_("The SIP server of your carrier."),
        inbound=(
            _("Ask your carrier to send calls for {number} to sip:{address}."),
            _("If it wants you to register instead, switch registration on."),
            _("Enter the addresses its calls come from in “Calls come in from”."),
        ),
        outbound=(_("Enter the user name and password your carrier gave you."),),
    ),
)
_BY_NAME: Final = {provider.name: provider for provider in PROVIDERS}


def provider_of(name: str) -> Provider:
    """Return what is known of a carrier; one that is not listed is “another”."""
    return _BY_NAME.get(name.strip().lower(), _BY_NAME["other"])


def filled(texts: tuple[Text, ...], values: Mapping[str, Any]) -> list[str]:
    """Return instructions with the reader's own values in them."""
    return [str(text).format_map(_Known(values)) for text in texts]


class _Known(dict[str, Any]):
    """Values by name; one that is missing shows as a gap to fill in."""

    def __missing__(self, name: str) -> str:
        return "…"
