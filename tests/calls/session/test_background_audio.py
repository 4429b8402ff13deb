"""`background_audio` is heard from the first moment of a call, when it is on."""

from __future__ import annotations

from tests.calls.session.conversation import Conversation, make_spec
from tests.fakes.script import script
from tests.virtual_time import virtual_time


@virtual_time
async def test_the_place_is_heard_all_along():
    place = {"enabled": True, "clip": "forest", "volume": 0.5}
    call = Conversation(script(), make_spec(speech_config={"background_audio": place}))
    await call.run(hangs_up_s=3)
    [sound] = call.link.heard
    assert sound.from_s < 0.1
    assert sound.to_s > 2.9
    assert call.turns() == []


@virtual_time
async def test_silence_stays_silence_unless_it_is_switched_on():
    place = {"enabled": False, "clip": "forest", "volume": 0.5}
    call = Conversation(script(), make_spec(speech_config={"background_audio": place}))
    await call.run(hangs_up_s=3)
    assert call.link.heard == []
