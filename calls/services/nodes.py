"""Voice processes: registering, staying alive, and placing calls on the least loaded."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from calls.errors import NoCapacity, NodeForgotten
from calls.models import Call, VoiceNode
from common.ids import uuid7
from portal.scope import all_organizations

NODE_FRESH = timedelta(seconds=6)
_FORGET_AFTER = timedelta(hours=1)


def register_node(
    *, host: str, pid: int, capacity: int, node_id: UUID | None = None
) -> VoiceNode:
    """Announce a voice process; it may be given calls from now on."""
    return VoiceNode.objects.create(
        pk=node_id or uuid7(),
        host=host,
        pid=pid,
        capacity=capacity,
        heartbeat_at=timezone.now(),
    )


def beat(
    *, node_id: UUID, call_ids: list[UUID], silent: frozenset[UUID] = frozenset()
) -> dict[UUID, str]:
    """Renew the lease of a node and of its calls, in a few short statements.

    The calls in `silent` are being tidied up: they keep their lease, but their seconds
    no longer count. Returns the calls that must stop, with the reason: somebody asked
    for it, or the call was ended elsewhere (`""`), for example by the sweeper while we
    were paused. Raises `NodeForgotten` for a node that is not in the table any more.
    """
    now = timezone.now()
    if not VoiceNode.objects.filter(pk=node_id).update(heartbeat_at=now):
        raise NodeForgotten(str(node_id))
    if not call_ids:
        return {}
    with all_organizations("a node carries calls of many organizations"):
        mine = Call.objects.filter(pk__in=call_ids, node_id=node_id)
        lease_until = now + timedelta(seconds=settings.CALL_LEASE_S)
        live_now = mine.filter(status__in=Call.LIVE)
        live_now.exclude(pk__in=silent).update(
            heartbeat_at=now, lease_until=lease_until
        )
        if silent:
            live_now.filter(pk__in=silent).update(lease_until=lease_until)
        live = dict(mine.filter(status__in=Call.LIVE).values_list("pk", "stop_reason"))
    stops = {call_id: reason for call_id, reason in live.items() if reason}
    stops.update({call_id: "" for call_id in call_ids if call_id not in live})
    return stops


def alive_nodes() -> QuerySet[VoiceNode]:
    """Return the nodes that may take calls, the one that started first in front."""
    return VoiceNode.objects.filter(
        heartbeat_at__gt=timezone.now() - NODE_FRESH, is_draining=False
    ).order_by("started_at", "pk")


def drain_node(*, node_id: UUID) -> None:
    """Take no new calls; those going on are finished."""
    VoiceNode.objects.filter(pk=node_id).update(is_draining=True)


def retire_node(*, node_id: UUID) -> None:
    """Forget a node that has stopped. Its calls keep no trace of it but their events."""
    with all_organizations("a node carried calls of many organizations"):
        VoiceNode.objects.filter(pk=node_id).delete()


def forget_dead_nodes() -> None:
    """Remove nodes that have been silent for an hour: by then they carry nothing."""
    silent_since = timezone.now() - _FORGET_AFTER
    with all_organizations("a node carried calls of many organizations"):
        VoiceNode.objects.filter(heartbeat_at__lt=silent_since).delete()


@dataclass
class Places:
    """The fresh voice nodes and how many calls each has, with those taken since.

    They are locked until the transaction ends, so that two starts cannot take the same
    last place. The place is the call row the caller inserts.
    """

    nodes: list[VoiceNode]
    load: Counter[UUID]

    @classmethod
    def lock(cls, *, node_id: UUID | None = None) -> Places:
        """Read all nodes, or the one that a call which came in cannot leave."""
        wanted = VoiceNode.objects.filter(
            heartbeat_at__gt=timezone.now() - NODE_FRESH, is_draining=False
        )
        if node_id is not None:
            wanted = wanted.filter(pk=node_id)
        fresh = list(wanted.select_for_update(of=("self",), no_key=True).order_by("pk"))
        if not fresh:
            return cls([], Counter())
        with all_organizations("the load of a node is the calls of every organization"):
            calls = (
                Call.objects.filter(node__in=fresh, status__in=Call.LIVE)
                .order_by()
                .values("node")
                .annotate(calls=Count("pk"))
                .values_list("node", "calls")
            )
            return cls(fresh, Counter(dict(calls)))

    def choose(self, *, keeps_reserve: bool = False) -> VoiceNode:
        """Return the least loaded node with a free place, or raise `NoCapacity`.

        With `keeps_reserve` the places kept for callers stay free (`reserved_of`).
        """
        free = [
            node
            for node in self.nodes
            if self.load[node.pk]
            < node.capacity - (reserved_of(node.capacity) if keeps_reserve else 0)
        ]
        if not free:
            raise NoCapacity
        return min(free, key=lambda node: self.load[node.pk] / node.capacity)

    def take(self, node: VoiceNode) -> None:
        self.load[node.pk] += 1


def reserved_of(limit: int) -> int:
    """Return how many of so many places calls we make ourselves leave free."""
    return limit * settings.INBOUND_RESERVE_PERCENT // 100


def live_capacity() -> tuple[int, int]:
    """Return calls going on and places in all fresh nodes, for the health page."""
    nodes = VoiceNode.objects.filter(heartbeat_at__gt=timezone.now() - NODE_FRESH)
    with all_organizations("health of the installation"):
        live = Call.objects.filter(Q(node__in=nodes), status__in=Call.LIVE).count()
    return live, sum(nodes.values_list("capacity", flat=True))
