"""A session reads exact frames, whatever pieces a transport pushes."""

from __future__ import annotations

import asyncio

import pytest

from calls.media.frames import FRAME_BYTES, QueuedAudioInput


@pytest.mark.asyncio
async def test_pieces_of_any_length_become_frames_of_20_ms():
    source = QueuedAudioInput()
    pcm = bytes(range(256)) * 10
    for start in range(0, len(pcm), 111):
        source.push(pcm[start : start + 111])
    source.end()
    frames = [frame async for frame in source]
    assert [frame.samples_per_channel for frame in frames] == [320] * 4
    assert {frame.sample_rate for frame in frames} == {16_000}
    assert b"".join(bytes(frame.data.cast("B")) for frame in frames) == pcm


@pytest.mark.asyncio
async def test_a_stalled_reader_loses_the_oldest_audio_only():
    source = QueuedAudioInput(max_queued_ms=100)
    for number in range(8):
        source.push(bytes([number]) * FRAME_BYTES)
    assert source.dropped_frames == 3
    assert source.queued_ms == 100
    frame = await anext(source)
    assert bytes(frame.data.cast("B")) == bytes([3]) * FRAME_BYTES


@pytest.mark.asyncio
async def test_ending_wakes_a_waiting_reader():
    source = QueuedAudioInput()
    reading = asyncio.create_task(anext(source, None))
    await asyncio.sleep(0)
    source.end()
    assert await asyncio.wait_for(reading, 1) is None


@pytest.mark.asyncio
async def test_a_detached_input_hears_silence():
    source = QueuedAudioInput()
    source.on_detached()
    source.push(b"\x11" * FRAME_BYTES)
    source.on_attached()
    source.push(b"\x22" * FRAME_BYTES)
    assert not any(bytes((await anext(source)).data.cast("B")))
    assert any(bytes((await anext(source)).data.cast("B")))
