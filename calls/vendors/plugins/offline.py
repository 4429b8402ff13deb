"""The providers that need no network: for demos and tests."""

from __future__ import annotations

from typing import Any

from livekit.agents import llm as lk_llm, stt as lk_stt, tts as lk_tts

from calls.vendors.offline.llm import DemoLLM, expected_phrases
from calls.vendors.offline.stt import OfflineSTT
from calls.vendors.offline.tts import OfflineTTS
from calls.vendors.order import Order


def stt(order: Order) -> lk_stt.STT[Any]:
    # Only the demo model's rules say what a caller may say; others take anything.
    phrases: tuple[str, ...] = ()
    mind = order.spec.llm_config
    if mind.provider == "demo":
        phrases = expected_phrases(mind.instructions)
        phrases += order.config.keyterms if phrases else ()
    return OfflineSTT(order.shared.decoders, phrases)


def llm(order: Order) -> lk_llm.LLM[Any]:
    return DemoLLM({"assistant_name": order.spec.name})


def tts(order: Order) -> lk_tts.TTS[Any]:
    config = order.config
    return OfflineTTS(
        order.shared.speaker, voice_id=config.voice_id, speed=config.speed
    )
