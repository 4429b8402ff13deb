"""What a person was told of a caller is content: sealed, redacted or not kept at all."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import connection

from calls.models import Transfer, VoiceNode
from calls.services.running import CallOrder
from calls.services.transfers import plan_transfer
from common.redaction import Category
from portal.policy import Policy
from portal.scope import all_organizations
from tests.calls.node.held import order_for
from tests.world import House

BRIEF = "Anna, card 4242 4242 4242 4242"


@pytest.fixture
def order(bakery: House, node: VoiceNode) -> CallOrder:
    return replace(order_for(bakery, node), known_names=frozenset({"Anna"}))


def kept(order: CallOrder, policy: Policy) -> tuple[str, str]:
    """Return what was told as it is read, and as the table holds it."""
    plan = plan_transfer(
        order=replace(order, policy=policy),
        destination="+31205551234",
        brief=BRIEF,
        asked_by="assistant",
    )
    assert plan.brief == BRIEF  # the person hears it whole
    with all_organizations("test"), connection.cursor() as cursor:
        cursor.execute("select brief from calls_transfer")
        return Transfer.objects.get().brief, cursor.fetchone()[0]


def test_it_is_kept_as_it_was_told(order: CallOrder) -> None:
    assert kept(order, Policy()) == (BRIEF, BRIEF)


def test_it_is_sealed_where_content_is(order: CallOrder) -> None:
    read, held = kept(order, Policy(seals_content=True))
    assert read == BRIEF
    assert held.startswith("\x1asealed:")
    assert "Anna" not in held


def test_what_the_policy_takes_out_is_taken_out(order: CallOrder) -> None:
    redacted = frozenset({Category.NAME, Category.PAYMENT_CARD})
    read, _held = kept(order, Policy(redacted=redacted))
    assert read == "[name], card [payment card]"


def test_nothing_is_kept_where_nothing_is(order: CallOrder) -> None:
    assert kept(order, Policy(gdpr_mode=True)) == ("", "")
