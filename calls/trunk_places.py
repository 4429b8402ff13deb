"""Where a trunk may be, as far as an address tells it before anything is sent there.

An address of a private network is refused when it is saved, with the setting that opens
it. A name is looked up when it is used and when the connection is tested: what it means
today says nothing of tomorrow.
"""

from __future__ import annotations

from ipaddress import ip_address

from django.utils.translation import gettext as _

from calls.permitted import permitted_from_settings
from calls.trunk_rules import BadAddress


def require_open_host(host: str) -> None:
    """Raise `BadAddress` for an address that calls are not sent to here."""
    try:
        ip_address(host)
    except ValueError:
        return  # a name
    if host not in permitted_from_settings():
        raise BadAddress(
            _(
                "%(place)s is in a private network, which this installation does not "
                "open to trunks. Enter the address that the carrier has on the "
                "internet, or ask the operator to add this one to SIP_ALLOWED_NETWORKS."
            )
            % {"place": host}
        )
