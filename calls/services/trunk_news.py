"""Telling every voice process that trunks or numbers changed, so that the next call knows.

A hint, as all that goes over the channel layer: each process looks by itself every few
seconds, and before it dials on a trunk that it has not heard of.
"""

from __future__ import annotations

from django.db import transaction

from calls import bus
from calls.services.nodes import alive_nodes

COMMAND = "trunks"


def announce_trunks() -> None:
    """Have them read anew as soon as this transaction is committed."""
    transaction.on_commit(_tell_nodes, robust=True)


def _tell_nodes() -> None:
    for node_id in alive_nodes().values_list("pk", flat=True):
        bus.tell_node(node_id, COMMAND, node_id)
