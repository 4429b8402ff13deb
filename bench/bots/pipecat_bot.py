"""The peer: pipecat's SmallWebRTC pipeline with its own clients of the same vendors.

Runs in an environment of its own, see `bench.peer`. As it comes but for two things,
both in its favour: nothing is logged, and a turn ends after 400 ms of silence, as ours
does, because its default detector judges synthetic voices unfinished and waits 3 s.

    PYTHON bench/bots/pipecat_bot.py OPENAI_URL DEEPGRAM_URL ELEVENLABS_URL
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from loguru import logger
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.services.deepgram.stt import DeepgramSTTService
from pipecat.services.elevenlabs.tts import ElevenLabsTTSService
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.transports.base_transport import TransportParams
from pipecat.transports.smallwebrtc.connection import SmallWebRTCConnection
from pipecat.transports.smallwebrtc.transport import SmallWebRTCTransport
from pipecat.turns.user_stop import SpeechTimeoutUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import UserTurnStrategies
from pipecat.workers.runner import WorkerRunner

sys.path.insert(0, str(Path(__file__).parent))
from door import serve

VAD_STOP_S = 0.2  # pipecat's default
SILENCE_S = 0.4

openai_url, deepgram_url, elevenlabs_url = sys.argv[1:4]


def pipeline(connection: SmallWebRTCConnection) -> PipelineWorker:
    transport = SmallWebRTCTransport(
        connection, TransportParams(audio_in_enabled=True, audio_out_enabled=True)
    )
    deepgram_host = deepgram_url.removesuffix("/v1/listen")
    stt = DeepgramSTTService(api_key="bench", base_url=deepgram_host)
    llm = OpenAILLMService(
        api_key="bench",
        base_url=openai_url,
        settings=OpenAILLMService.Settings(
            model="gpt-4.1-mini", system_instruction="Answer in one sentence."
        ),
    )
    tts = ElevenLabsTTSService(
        api_key="bench",
        url=elevenlabs_url.removesuffix("/v1").replace("http", "ws"),
        settings=ElevenLabsTTSService.Settings(
            voice="bench", model="eleven_flash_v2_5"
        ),
    )
    context = LLMContext()
    stop = SpeechTimeoutUserTurnStopStrategy(user_speech_timeout=SILENCE_S - VAD_STOP_S)
    aggregators = LLMContextAggregatorPair(
        context,
        user_params=LLMUserAggregatorParams(
            vad_analyzer=SileroVADAnalyzer(),
            user_turn_strategies=UserTurnStrategies(stop=[stop]),
        ),
    )
    return PipelineWorker(
        Pipeline(
            [
                transport.input(),
                stt,
                aggregators.user(),
                llm,
                tts,
                transport.output(),
                aggregators.assistant(),
            ]
        ),
        idle_timeout_secs=None,
    )


async def accept(offer: str) -> tuple[str, Callable[[], Awaitable[None]]]:
    connection = SmallWebRTCConnection()
    await connection.initialize(sdp=offer, type="offer")
    worker = pipeline(connection)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    task = asyncio.create_task(runner.run())
    answer = connection.get_answer()
    assert answer is not None

    async def hang_up() -> None:
        await connection.disconnect()
        await worker.cancel()
        await task

    return answer["sdp"], hang_up


if __name__ == "__main__":
    logger.remove()
    logger.add(sys.stderr, level="ERROR")
    asyncio.run(serve(accept, []))
