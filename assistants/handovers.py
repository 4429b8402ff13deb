"""Whom an assistant may hand a caller to, and where they are.

A SIP address is on somebody's server: nobody knows where, unless its host was declared. A
telephone number is in the country of its code. Numbers outside are shown and let be, for
the caller asked to be put through to that person; who wants them refused says so in the
privacy settings (`Policy.keeps_callers_inside`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from django.utils.translation import gettext as _

from assistants.catalogue import Region
from assistants.spec import AssistantSpec
from assistants.tool_shapes import TransferCallTool
from common.sip_address import host_of_sip
from common.union import is_in_union
from portal.policy import Policy


@dataclass(frozen=True)
class Handover:
    """A number or SIP address that a caller may be handed to."""

    address: str
    param: str = "destination"

    @property
    def is_sip(self) -> bool:
        return self.address.lower().startswith(("sip:", "sips:"))

    @property
    def receiver(self) -> str:
        """The host of a SIP address, as far as it is known for sure; else the number."""
        return host_of_sip(self.address) if self.is_sip else self.address

    @cached_property
    def region(self) -> Region | None:
        """Where a number is, by its country; None for a server nobody can place."""
        if self.is_sip:
            return None
        return Region.EU if is_in_union(self.address) else Region.NON_EU

    def is_allowed(self, policy: Policy) -> bool:
        """Whether the policy lets a caller be handed there."""
        if self.is_sip:
            return policy.allows_host(self.receiver)
        return policy.allows_number(is_in_union=self.region is Region.EU)

    @property
    def refusal(self) -> str:
        """Why it is not allowed, where it is not."""
        if self.is_sip:
            return _(
                "%(address)s is on a host that your privacy settings do not declare to "
                "be in the allowed region."
            ) % {"address": self.address}
        return _(
            "%(number)s is no number of the European Union, and your privacy settings "
            "keep callers inside of it."
        ) % {"number": self.address}


def handovers(spec: AssistantSpec) -> Iterator[Handover]:
    """Give everybody an assistant may hand a caller to, by the field that names them."""
    for index, tool in enumerate(spec.llm_config.tools):
        if isinstance(tool, TransferCallTool):
            for place, destination in enumerate(tool.destinations):
                param = f"llm_config.tools[{index}].destinations[{place}].number"
                yield Handover(destination.number, param)
