"""Every way that data of an assistant's calls takes: vendors, addresses and carriers."""

from __future__ import annotations

from assistants.models import Assistant
from assistants.sovereignty import Flow, data_flows
from calls.queries import visible_numbers
from calls.ways import ways_of


def flows_of(assistant: Assistant) -> list[Flow]:
    """Return what the current version opens, and who carries calls for its numbers."""
    assert assistant.current_version is not None
    return [*data_flows(assistant.current_version.spec), *_carriers(assistant)]


def _carriers(assistant: Assistant) -> list[Flow]:
    """Return who carries calls for the assistant's numbers, each once.

    Without a number it may call out from any of its organization's.
    """
    numbers = visible_numbers().filter(is_active=True)
    own = numbers.filter(assistant=assistant)
    found = {}
    for number in own or numbers:
        for trunk in {number.trunk, number.transfer_trunk or number.trunk}:
            for way in ways_of(trunk.carrier if trunk else number.carrier, trunk):
                found[way.receiver, way.region] = way
    return [found[key] for key in sorted(found, key=str)]
