"""Where trunks and the audio of their calls may be: in public, or where the operator says.

A customer names a trunk's host, and whoever answers there names where audio goes. Both
may be a name or an address of ours: without a rule, a connection test would tell which
ports of our own network are open, and a call would send packets to them. So every
address is looked at when it is about to be used, not when it was typed.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Final

from django.conf import settings

from common.http.addresses import Network, is_public, networks


class Permitted:
    """The public internet and `allowed`: `"10.0.0.5" in permitted`."""

    def __init__(self, allowed: Iterable[Network] = ()) -> None:
        self._allowed = tuple(allowed)
        # Strangers' packets ask for the same few addresses again and again.
        self._look_at = lru_cache(maxsize=1_000)(self._is_permitted)

    def __contains__(self, address: str) -> bool:
        return self._look_at(address)

    def covers(self, network: Network) -> bool:
        """Whether a whole network may be used, told by its two ends."""
        ends = network.network_address, network.broadcast_address
        return all(str(end) in self for end in ends)

    def _is_permitted(self, text: str) -> bool:
        try:
            address = ip_address(text.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        if any((mapped or address) in network for network in self._allowed):
            return True
        return is_public(str(address))


# For our own telephones, which call where the person at the terminal says.
ANYWHERE: Final = Permitted([ip_network("0.0.0.0/0"), ip_network("::/0")])


def permitted_from_settings() -> Permitted:
    """Return what the operator of this installation permits."""
    return Permitted(networks(tuple(settings.SIP_ALLOWED_NETWORKS)))
