"""Attended transfers that the other side makes: the call goes on with somebody else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from calls.media.link import LinkEnd
from calls.telephony.protocol import PlaceRequest
from calls.telephony.sip.carrier import SipCarrier
from calls.telephony.sip.headers import tag_of
from calls.telephony.sip.messages import new_request
from calls.telephony.sip.replaces import attended_target, replaces_in
from calls.telephony.sip.trunk import trunk_from
from common.ids import uuid7
from tests.calls.telephony.sip.exchange import (
    CALLED,
    CALLER,
    HOST,
    Desk,
    Exchange,
    carrier,
    exchange,
    hear,
    say,
    strongest_hz,
    trunk,
    until,
)

pytestmark = [pytest.mark.slow, pytest.mark.asyncio]


def replaces_of(leg: Any) -> str:
    """Return what names a call to the side that holds it not as `leg`."""
    dialog = leg._dialog
    return f"{dialog.call_id};to-tag={tag_of(dialog.remote)};from-tag={tag_of(dialog.local)}"


async def third_calls(phones: Exchange, replaces: str) -> tuple[SipCarrier, Any]:
    phone = carrier()
    config = trunk(
        host=HOST, port=phones.theirs.agent.transports.port, options_every_s=0
    )
    await phone.configure([config])
    sends = phone.agent.send

    def send(request: Any, *args: Any, **kwargs: Any) -> Any:
        if request.method == "INVITE":
            request.headers.set("Replaces", replaces)
        return sends(request, *args, **kwargs)

    phone.agent.send = send  # type: ignore[method-assign]  # what a PBX does itself
    leg = await phone.place(PlaceRequest(uuid7(), CALLER, CALLED, 5, config.id))
    return phone, leg


async def tone_between(one: Any, other: Any, hz: int) -> float:
    """Say a tone on one side; return what the other hears last of two seconds."""
    other.audio_input.forget()  # silence that piled up while nobody listened
    await say(one, 2.5, hz=hz)
    heard = await hear(other, 2.0)
    return strongest_hz(heard[-8_000:])


async def test_an_invite_that_replaces_takes_the_call_over() -> None:
    async with exchange() as phones:
        leg, other = await phones.connect()
        third, instead = await third_calls(phones, replaces_of(leg))
        await instead.wait_answered()
        assert await leg.wait_closed() is LinkEnd.REMOTE_HANGUP
        assert not other.is_closed
        assert len(phones.desk.calls) == 1  # it is the same call, no second one
        assert await tone_between(instead, other, 600) == pytest.approx(600, abs=20)
        assert await tone_between(other, instead, 900) == pytest.approx(900, abs=20)
        await instead.hang_up()
        assert await other.wait_closed() is LinkEnd.REMOTE_HANGUP
        await third.aclose()


@pytest.mark.parametrize(
    ("replaces", "code"),
    [("nobody;to-tag=1;from-tag=2", "481"), ("nobody", "400"), ("", "400")],
)
async def test_an_invite_that_replaces_no_call_is_refused(
    replaces: str, code: str
) -> None:
    async with exchange() as phones:
        _, other = await phones.connect()
        third, instead = await third_calls(phones, replaces)
        await until(lambda: instead.is_closed)
        assert instead._answered.exception().code == code
        assert not other.is_closed
        assert len(phones.desk.calls) == 1
        await third.aclose()


async def test_a_refer_that_replaces_is_followed() -> None:
    """Alice, whom our side called, hands us on to Bob, with whom she has spoken."""
    bobs = Desk()
    bob = carrier(bobs)
    await bob.configure([trunk(addresses=HOST)])
    bob_port = bob.agent.transports.port
    async with exchange() as phones:
        leg, alice = await phones.connect()
        consult = trunk(host=HOST, port=bob_port, options_every_s=0)
        await phones.theirs.configure(
            [*_configs(phones.theirs), consult]  # both of her lines
        )
        with_bob = await phones.theirs.place(
            PlaceRequest(uuid7(), CALLER, "12", 5, consult.id)
        )
        await with_bob.wait_answered()
        replaces = replaces_of(with_bob).replace(";", "%3B").replace("=", "%3D")
        response = await alice._ask(
            "REFER",
            Refer_To=f"<sip:12@{HOST}:{bob_port}?Replaces={replaces}>",
        )
        assert response.code == 202, response
        bobs_leg = bobs.calls[0].leg
        assert await alice.wait_closed() is LinkEnd.REMOTE_HANGUP
        assert await with_bob.wait_closed() is LinkEnd.REMOTE_HANGUP
        assert not leg.is_closed
        assert await tone_between(leg, bobs_leg, 700) == pytest.approx(700, abs=20)
        await leg.hang_up()
        await bobs_leg.wait_closed()
    await bob.aclose()


def _configs(phone: SipCarrier) -> list[Any]:
    return [one.config for one in phone._trunks.values()]


async def test_a_refer_to_somebody_who_does_not_take_it_leaves_the_call() -> None:
    async with exchange() as phones:
        leg, alice = await phones.connect()
        port = phones.theirs.agent.transports.port
        gone = "gone%3Bto-tag%3D1%3Bfrom-tag%3D2"
        response = await alice._ask(
            "REFER", Refer_To=f"<sip:12@{HOST}:{port}?Replaces={gone}>"
        )
        assert response.code == 202, response
        await asyncio.sleep(0.3)
        assert not leg.is_closed
        assert leg._moving is None
        assert await tone_between(leg, alice, 500) == pytest.approx(500, abs=20)


@pytest.mark.parametrize(
    "refer_to",
    [
        "",
        "<sip:12@127.0.0.1>",  # blind
        "<sip:12@127.0.0.1?Replaces=nothing>",
        "<sip:12@192.0.2.1?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2>",  # elsewhere
        "<sip:+31909000000@127.0.0.1?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2>",
        "<tel:12?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2>",
        "<sip:12@127.0.0.1?Replaces=a%0D%0AEvil%3A%201%3Bto-tag%3D1%3Bfrom-tag%3D2>",
    ],
)
async def test_what_could_make_us_dial_at_will_is_declined(refer_to: str) -> None:
    refer = new_request(
        "REFER",
        _uri(),
        from_value="<sip:a@127.0.0.1>;tag=1",
        to_value="<sip:b@127.0.0.1>;tag=2",
        call_id="c",
        sequence=1,
    )
    refer.headers.set("Refer-To", refer_to)
    assert attended_target(refer, trunk_from(trunk(host=HOST))) is None


def _uri() -> Any:
    from calls.telephony.sip.agent import target_uri

    return target_uri(HOST, "b")


async def test_a_replaces_header_needs_both_tags() -> None:
    assert replaces_in("a@b;to-tag=1;from-tag=2;early-only") is not None
    assert replaces_in("a@b;to-tag=1") is None
