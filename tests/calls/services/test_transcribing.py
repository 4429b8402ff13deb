"""A realtime call's recording is written down once, by whom the assistant names."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files import File
from django.core.files.storage import storages
from django.utils import timezone

from assistants.spec import AssistantSpec
from calls.media.recording import TwoTrackFile, encode_webm
from calls.media.silencing import Stretch
from calls.media.speech_stretches import pieces_of, sides_of
from calls.models import Call, CallAnalysis, Turn, VoiceNode
from calls.services import analysing
from calls.services.recordings import encode_kept
from calls.services.retention import purge_content
from calls.services.silencing import silence_kept
from portal.scope import organization_scope
from portal.services.privacy import save_privacy
from tests.calls.services.test_analysis import ended_call, found, reports
from tests.fakes.deepgram_server import DeepgramServer
from tests.fakes.elevenlabs_ears_server import ElevenLabsEarsServer
from tests.fakes.openai_server import tone
from tests.fakes.vendor_wire import BAD_KEY, VendorServer
from tests.world import House

SAID = [
    ("assistant", "Hello, how can I help you?"),
    ("user", "mumble"),
    ("assistant", "Certainly."),
    ("user", "mumble mumble"),
]
SPOKEN = ((2_000, 1_500), (5_000, 2_000))  # when, and how long
WORDS = ["A table for four, please.", "Thank you, my name is Anna Bakker."]


@pytest.fixture
def in_thread() -> Iterator[Any]:
    """Serves from a thread of its own, as a worker has no event loop."""
    loop, servers = asyncio.new_event_loop(), []
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def serve(server: VendorServer) -> Any:
        asyncio.run_coroutine_threadsafe(server.start(), loop).result()
        servers.append(server)
        return server

    yield serve
    for server in servers:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def scribe(in_thread: Any, settings: Any) -> ElevenLabsEarsServer:
    server: ElevenLabsEarsServer = in_thread(ElevenLabsEarsServer(transcripts=[*WORDS]))
    settings.VENDOR_KEYS = {"elevenlabs": "key-e"}
    settings.VENDOR_BASE_URLS = {"elevenlabs": server.base_url}
    return server


def live_spec(**changes: Any) -> AssistantSpec:
    values: dict[str, Any] = {
        "name": "Ann",
        "llm_config": {
            "provider": "xai_realtime",
            "model": "grok-voice-think-fast-2.0",
        },
        "after_call_transcription": {"provider": "elevenlabs"},
        "analysis_plan": {"min_messages_threshold": 2},
    }
    return AssistantSpec.model_validate(values | changes)


def record(path: Path) -> Path:
    """Both sides for eight seconds; the assistant talks first."""
    file = TwoTrackFile(path)
    file.add("assistant", tone(1_500, 16_000), 16_000, 0)
    for start_ms, lasts_ms in SPOKEN:
        file.add("caller", tone(lasts_ms, 16_000), 16_000, start_ms)
    file.close(8_000)
    return path


def live_call(
    house: House, node: VoiceNode, folder: Path, spec: AssistantSpec | None = None
) -> Call:
    call = ended_call(house, node, spec or live_spec(), tuple(SAID))
    with record(folder / "call.wav").open("rb") as sound:
        name = storages["recordings"].save(f"{call.pk}.wav", File(sound))
    with organization_scope(house.organization):
        Call.objects.filter(pk=call.pk).update(recording=name)
        call.refresh_from_db()
    return call


def words_of(house: House, call: Call) -> list[tuple[str, str]]:
    with organization_scope(house.organization):
        turns = Turn.objects.filter(call=call).order_by("started_ms", "index")
        return [(turn.speaker, turn.text) for turn in turns]


def test_the_recogniser_has_the_callers_words_and_the_model_its_own(
    bakery: House, node: VoiceNode, scribe: ElevenLabsEarsServer, tmp_path: Path
) -> None:
    call = live_call(bakery, node, tmp_path)
    assert analysing.analyse(call_id=call.pk)
    assert [text for who, text in words_of(bakery, call) if who == "user"] == WORDS
    assert ("assistant", "Certainly.") in words_of(bakery, call)
    row = found(bakery, call)
    assert (row.transcript_provider, row.transcript_model) == (
        "elevenlabs",
        "scribe_v2",
    )
    assert row.transcript_key_owner == "platform"
    # 3.5 s spoken and margins of 0.2 s, at 0.34 EUR an hour.
    assert row.transcript_cost_microeuros == pytest.approx(406, abs=10)
    assert [request["key"] for request in scribe.requests] == ["key-e"] * 2
    [report] = reports(bakery)
    said = [one["content"] for one in report["messages"] if one["role"] == "user"]
    assert said == WORDS


def test_a_second_run_costs_nothing(
    bakery: House, node: VoiceNode, scribe: ElevenLabsEarsServer, tmp_path: Path
) -> None:
    call = live_call(bakery, node, tmp_path)
    assert analysing.analyse(call_id=call.pk)
    with organization_scope(bakery.organization):  # as if the worker had been killed
        CallAnalysis.objects.filter(call=call).update(
            status="running", due_at=timezone.now()
        )
    assert analysing.analyse(call_id=call.pk)
    assert len(scribe.requests) == 2
    assert [text for who, text in words_of(bakery, call) if who == "user"] == WORDS


def test_deepgram_reads_it_too(
    bakery: House, node: VoiceNode, in_thread: Any, settings: Any, tmp_path: Path
) -> None:
    server = in_thread(DeepgramServer(transcripts=[*WORDS]))
    settings.VENDOR_KEYS = {"deepgram": "key-d"}
    settings.VENDOR_BASE_URLS = {"deepgram": server.base_url}
    wanted = {"provider": "deepgram", "model": "nova-3", "language": "nl"}
    call = live_call(bakery, node, tmp_path, live_spec(after_call_transcription=wanted))
    assert analysing.analyse(call_id=call.pk)
    assert [text for who, text in words_of(bakery, call) if who == "user"] == WORDS
    assert {one["language"] for one in server.requests} == {"nl"}
    assert found(bakery, call).transcript_cost_microeuros > 0


def test_what_the_policy_takes_out_is_taken_out_of_these_words(
    bakery: House, node: VoiceNode, scribe: ElevenLabsEarsServer, tmp_path: Path
) -> None:
    with organization_scope(bakery.organization):
        save_privacy(
            organization=bakery.organization,
            actor=None,
            redacted_categories=["email"],
            seals_content=True,
        )
    scribe.transcripts = ["Write to anna@example.com.", "Bye."]
    call = live_call(bakery, node, tmp_path)
    assert analysing.analyse(call_id=call.pk)
    said = [text for who, text in words_of(bakery, call) if who == "user"]
    assert said == ["Write to [email].", "Bye."]
    with organization_scope(bakery.organization):
        [first, *_] = Turn.objects.filter(call=call, speaker="user")
        assert str(first.__dict__["text"]).startswith("k1.")
        call.refresh_from_db()
    with storages["recordings"].open(call.recording) as kept:
        caller, assistant = sides_of(kept)
    left = pieces_of(caller)
    assert [piece.start_ms for piece in left] == pytest.approx([5_000], abs=100)
    assert pieces_of(assistant)
    assert max(call.waveform["caller"][20:35]) == 0


@pytest.mark.parametrize("gone", ["private", "purged", "unrecorded"])
def test_nothing_is_read_of_a_call_that_keeps_nothing(
    bakery: House,
    node: VoiceNode,
    scribe: ElevenLabsEarsServer,
    tmp_path: Path,
    gone: str,
) -> None:
    call = live_call(bakery, node, tmp_path)
    with organization_scope(bakery.organization):
        if gone == "purged":
            purge_content(call)
        if gone == "private":
            Call.objects.filter(pk=call.pk).update(keeps_content=False)
        if gone == "unrecorded":
            Call.objects.filter(pk=call.pk).update(recording="")
    assert analysing.analyse(call_id=call.pk)
    assert scribe.requests == []
    assert found(bakery, call).transcribed_at is None


def test_a_refused_key_leaves_the_models_words_and_says_so(
    bakery: House, node: VoiceNode, scribe: ElevenLabsEarsServer, tmp_path: Path
) -> None:
    scribe.faults = [BAD_KEY] * 20
    call = live_call(bakery, node, tmp_path)
    for _ in range(analysing.MAX_ATTEMPTS):
        with organization_scope(bakery.organization):
            CallAnalysis.objects.filter(call=call).update(due_at=timezone.now())
        done = analysing.analyse(call_id=call.pk)
    assert done
    row = found(bakery, call)
    assert (row.status, row.transcript_note) == (
        "done",
        "elevenlabs: the key was refused",
    )
    assert ("user", "mumble") in words_of(bakery, call)


@pytest.mark.parametrize("suffix", [".wav", ".webm"])
def test_stretches_of_speech_are_found_in_either_form(
    tmp_path: Path, suffix: str
) -> None:
    path = record(tmp_path / "call.wav")
    if suffix == ".webm":
        small = tmp_path / "call.webm"
        with path.open("rb") as wav, small.open("wb") as target:
            encode_webm(wav, target)
        path = small
    with path.open("rb") as file:
        pieces = pieces_of(sides_of(file)[0])
    assert [piece.start_ms for piece in pieces] == pytest.approx(
        [start for start, _lasts in SPOKEN], abs=100
    )
    assert [piece.end_ms - piece.start_ms for piece in pieces] == pytest.approx(
        [lasts for _start, lasts in SPOKEN], abs=200
    )


@pytest.mark.parametrize("suffix", [".wav", ".webm"])
def test_a_recording_is_silenced_in_the_form_it_is_kept_in(
    bakery: House, node: VoiceNode, tmp_path: Path, suffix: str
) -> None:
    call = live_call(bakery, node, tmp_path)
    with organization_scope(bakery.organization):
        if suffix == ".webm":
            assert encode_kept(call=call)
            call.refresh_from_db()
        old = call.recording
        silence_kept(call=call, stretches=[Stretch("caller", 2_000, 3_500)])
        call.refresh_from_db()
    assert call.recording != old
    assert call.recording.endswith(suffix)
    assert not storages["recordings"].exists(old)
    with storages["recordings"].open(call.recording) as kept:
        pieces = pieces_of(sides_of(kept)[0])
    assert [piece.start_ms for piece in pieces] == pytest.approx([5_000], abs=100)
