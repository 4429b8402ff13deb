"""What may be done with the content of calls: one policy, the stricter of two.

An agency sets bounds for its clients and a client may be stricter still. What holds is
always `Policy.stricter` of both, worked out when it is needed: an agency that tightens
its bounds tightens every client's at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from common.redaction import Category

CONTENT_DAYS: Final = (30, 90, 180, 365)
METADATA_DAYS: Final = (30, 90, 180, 365, 730)


class RegionRule(StrEnum):
    """Where the data of a call may go, from loose to strict."""

    ANYWHERE = "anywhere"
    EU = "eu"  # the EU, or servers of our own
    OWN = "own"  # servers of our own only

    def allows(self, region: str) -> bool:
        """Whether data may go to a region of the catalogue: own, eu or non_eu."""
        return region in _ALLOWED[self]


_ALLOWED: Final = {
    RegionRule.ANYWHERE: {"own", "eu", "non_eu"},
    RegionRule.EU: {"own", "eu"},
    RegionRule.OWN: {"own"},
}
_STRICTNESS: Final = list(RegionRule)


@dataclass(frozen=True)
class Policy:
    """What holds for the calls of one organization.

    Content is transcript, summary, analysis and recording; metadata the numbers, the
    variables and the events. Content goes no later than metadata.
    """

    regions: RegionRule = RegionRule.ANYWHERE
    content_days: int = 365
    metadata_days: int = 730
    gdpr_mode: bool = False
    redacted: frozenset[Category] = frozenset()
    seals_content: bool = False
    discloses_ai: bool = False
    is_on_hold: bool = False  # a legal hold: nothing is deleted meanwhile
    trusted_hosts: frozenset[str] = frozenset()  # own addresses inside the region
    keeps_callers_inside: bool = False  # handed on to numbers of the Union only

    def allows_host(self, host: str) -> bool:
        """Whether data may go to an address of a customer's own, by its host."""
        return self.regions is RegionRule.ANYWHERE or host in self.trusted_hosts

    def allows_number(self, *, is_in_union: bool) -> bool:
        """Whether a caller may be handed on to a telephone number.

        No telephone network is a server of one's own: where a rule stricter than the
        Union holds, and callers are kept inside, it is the Union's numbers that do.
        """
        is_free = self.regions is RegionRule.ANYWHERE or not self.keeps_callers_inside
        return is_free or is_in_union

    def stricter(self, other: Policy) -> Policy:
        """Return the policy that keeps both. A hold of either holds."""
        return Policy(
            regions=max(self.regions, other.regions, key=_STRICTNESS.index),
            content_days=min(self.content_days, other.content_days),
            metadata_days=min(self.metadata_days, other.metadata_days),
            gdpr_mode=self.gdpr_mode or other.gdpr_mode,
            redacted=self.redacted | other.redacted,
            seals_content=self.seals_content or other.seals_content,
            discloses_ai=self.discloses_ai or other.discloses_ai,
            is_on_hold=self.is_on_hold or other.is_on_hold,
            trusted_hosts=_hosts_of_both(self, other),
            keeps_callers_inside=self.keeps_callers_inside
            or other.keeps_callers_inside,
        )


def _hosts_of_both(one: Policy, other: Policy) -> frozenset[str]:
    """Return the hosts declared by everybody who has a rule to keep them to."""
    ruled = [p for p in (one, other) if p.regions is not RegionRule.ANYWHERE]
    if len(ruled) == 1:
        return ruled[0].trusted_hosts
    if not ruled:
        return one.trusted_hosts | other.trusted_hosts
    return one.trusted_hosts & other.trusted_hosts
