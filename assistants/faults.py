"""Everything that speaks against an assistant as it is, field by field."""

from __future__ import annotations

from assistants.catalogue import CatalogueError, validate_spec
from assistants.keys import keys_at_hand
from assistants.own_endpoint import address_fault
from assistants.sovereignty import violations
from assistants.spec import AssistantSpec
from assistants.tool_checks import tool_faults
from portal.services.privacy import policy_in_scope


class NotSound(ValueError):
    """An assistant that no call could use; `faults` name the fields."""

    def __init__(self, faults: list[CatalogueError]) -> None:
        super().__init__(faults[0].message)
        self.faults = faults


def faults_of(spec: AssistantSpec) -> list[CatalogueError]:
    """Return what the catalogue, the keys, the addresses and the policy of the scope refuse."""
    faults = [
        *validate_spec(spec, keys_at_hand()),
        *tool_faults(spec),
        *violations(spec, policy_in_scope()),
    ]
    if fault := address_fault(spec):
        faults.append(CatalogueError("webhook_url", fault))
    return faults


def require_sound(spec: AssistantSpec) -> None:
    """Raise `NotSound` unless a call could use it."""
    if faults := faults_of(spec):
        raise NotSound(faults)
