"""A simulated person calls a number, and a real voice process answers with real audio."""

from __future__ import annotations

import pytest

from calls.models import Call
from calls.node import database
from calls.services.inbound import simulate_caller
from portal.scope import organization_scope
from tests.calls.node.serving import hang_up, has_status, is_idle, row, serving, until
from tests.fakes.script import script
from tests.world import House

pytestmark = [
    pytest.mark.slow,
    pytest.mark.asyncio,
    pytest.mark.django_db(transaction=True),
]


async def test_a_simulated_caller_is_answered(bakery: House) -> None:
    async with serving(script=script()) as process:

        def call_in() -> Call:
            with organization_scope(bakery.organization):
                return Call(pk=simulate_caller(number=bakery.number))

        call = await database.ask(call_in)

        async def is_there() -> bool:
            return call.pk in process.calls

        await until(is_there)
        now = await has_status(call, "in-progress")
        assert (now.direction, now.carrier) == ("inbound", "simulator")
        assert now.caller_number == "+31205550001"
        await hang_up(await row(call.pk))
        await is_idle(process)
