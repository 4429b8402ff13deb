"""Which carrier telephone calls take, where it is, and whether the policy lets them.

A carrier with an API of its own computes where its registry entry says. A trunk of one's
own is wherever its host is, which nobody knows: under a rule that host must be declared,
like every address of a customer's own. What network lies behind is nobody's to choose.
"""

from __future__ import annotations

from django.utils.translation import gettext as _, gettext_lazy

from assistants.catalogue import CatalogueError, Region
from assistants.sovereignty import Content, Flow, OutsideRegion, is_allowed, refusal
from calls.models import Trunk
from calls.telephony.registry import UnknownCarrier, carrier_spec
from calls.trunk_rules import BadAddress, parse_address
from portal.models import Organization
from portal.policy import Policy, RegionRule
from portal.services.privacy import policy_of

_CARRYING = gettext_lazy("Carrying telephone calls")


def ways_of(carrier: str, trunk: Trunk | None) -> list[Flow]:
    """Return who carries the calls of a carrier and trunk; `param` is a field of the API.

    Two where an outbound proxy stands before the trunk's own server.
    """
    try:
        spec = carrier_spec(carrier)
    except UnknownCarrier:
        return [Flow("carrier", carrier, Content.CALL, None, _CARRYING)]
    if spec.places:
        chosen = trunk.data_region if trunk else Trunk.DataRegion.US
        region = Region(spec.places[chosen])
        return [Flow("data_region", str(spec.label), Content.CALL, region, _CARRYING)]
    hosts = (
        (("host", trunk.host), ("outbound_address", trunk.outbound_host))
        if trunk
        else ()
    )
    named = {param: text for param, text in hosts if text}
    return [
        Flow(param, _host_of(text), Content.CALL, None, _CARRYING)
        for param, text in (named or {"host": ""}).items()
    ]


def _host_of(text: str) -> str:
    try:
        return parse_address(text).host
    except BadAddress:
        return ""


def way_fault(carrier: str, trunk: Trunk | None, policy: Policy) -> str:
    """Return why calls may not go this way; empty when they may."""
    if policy.regions is RegionRule.ANYWHERE:
        return ""
    for way in ways_of(carrier, trunk):
        if not is_allowed(way, policy):
            return refusal(way, policy)
    return ""


def require_trunk(organization: Organization, trunk: Trunk) -> None:
    """Raise `OutsideRegion`, by the trunk's field, unless the policy lets calls take it."""
    policy = policy_of(organization)
    faults = [
        CatalogueError(way.param, refusal(way, policy))
        for way in ways_of(trunk.carrier, trunk)
        if not is_allowed(way, policy)
    ]
    if faults:
        raise OutsideRegion(faults)


def require_trunks(organization: Organization, **chosen: Trunk | None) -> None:
    """The same for a number's trunks, by the number's field that names each."""
    trunks = {field: trunk for field, trunk in chosen.items() if trunk is not None}
    if not trunks:
        return
    policy = policy_of(organization)
    faults = []
    for field, trunk in trunks.items():
        if fault := way_fault(trunk.carrier, trunk, policy):
            message = _("Calls cannot take %(trunk)s: %(reason)s") % {
                "trunk": trunk.name,
                "reason": fault,
            }
            faults.append(CatalogueError(field, message))
    if faults:
        raise OutsideRegion(faults)
