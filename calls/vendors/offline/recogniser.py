"""Speech to words with PocketSphinx, in a process of its own.

PocketSphinx keeps Python's lock while it decodes (measured: 320 ms for three seconds of
speech), so a thread would still hold up the audio of every call. This process reads
commands from standard input and writes one JSON line for each answer:

    command  = kind (1 byte), stream (u32), length (u32), payload; little endian
    O open   payload: JSON list of expected phrases
    A audio  payload: s16 mono PCM at 16 kHz; the first begins an utterance
    E end    of the utterance; answered by one "final"
    X close  forget the stream
    answer   = {"stream", "kind": "interim" | "final", "text", "confidence", "took_ms"}

With expected phrases an utterance is decoded against their grammar as it comes, which
is nearly free; if that says garbage, the language model decodes it again. Without
phrases the language model decodes as it comes when a decoder is free, else at the end.
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
import sys
import tempfile
import time
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import pocketsphinx

from calls.vendors.offline import grammar

HEADER = struct.Struct("<cII")
RATE_HZ = 16_000
MAX_MODEL_DECODERS = 2  # each takes 90 MB
MAX_IDLE_GRAMMARS = 8  # each takes 6 MB
INTERIM_EVERY_BYTES = RATE_HZ * 2 * 3 // 10
# The mean of the features over flite's voices at usual loudness. A decoder learns the
# mean as it listens; started far off, it gets the first words of a call wrong.
TYPICAL_MEAN = "50,2,10,24,0,0,7,-7,-4,-5,7,2,2"


@dataclass(frozen=True)
class Heard:
    """What was said; `confidence` is 0 to 1, and 1 for an expected phrase."""

    text: str
    confidence: float


@dataclass
class _Utterance:
    decoder: pocketsphinx.Decoder | None
    audio: bytearray = field(default_factory=bytearray)
    interim_at: int = 0
    interim: str = ""


class Recogniser:
    """The decoders of one process, each lent to one utterance at a time."""

    def __init__(self) -> None:
        self._models = [_model_decoder()]
        self._model_count = 1
        self._grammars: dict[tuple[str, ...], list[pocketsphinx.Decoder]] = {}
        self._phrases: dict[int, tuple[str, ...]] = {}
        self._utterances: dict[int, _Utterance] = {}

    def open(self, stream: int, phrases: list[str]) -> None:
        """Begin a stream; build its grammar now, so that no word waits for it."""
        usable = grammar.usable_phrases(phrases)
        self._phrases[stream] = usable
        if usable and not self._grammars.get(usable):
            self._grammars.setdefault(usable, []).append(self._grammar_decoder(usable))

    def hear(self, stream: int, pcm: bytes) -> str | None:
        """Take audio; return the words so far when they have changed."""
        utterance = self._utterances.get(stream)
        if utterance is None:
            utterance = self._utterances[stream] = _Utterance(self._take(stream))
            if utterance.decoder is not None:
                utterance.decoder.start_utt()
        utterance.audio += pcm
        decoder = utterance.decoder
        if decoder is None:
            return None
        decoder.process_raw(pcm, False, False)
        if len(utterance.audio) - utterance.interim_at < INTERIM_EVERY_BYTES:
            return None
        utterance.interim_at = len(utterance.audio)
        text = _text(decoder)
        if not text or text == utterance.interim or grammar.is_garbage(text):
            return None
        utterance.interim = text
        return text

    def end(self, stream: int) -> Heard:
        """End the utterance and return it; no words when there was nothing to hear."""
        utterance = self._utterances.pop(stream, None)
        if utterance is None:
            return Heard("", 0.0)
        phrases, decoder = self._phrases[stream], utterance.decoder
        if decoder is not None:
            decoder.end_utt()
            self._give_back(phrases, decoder)
        if decoder is not None and not phrases:
            return _heard(decoder)
        if decoder is not None:
            # The probability is not asked for: it needs the lattice, see below.
            text = _text(decoder)
            if text and not grammar.is_garbage(text):
                return Heard(text, 1.0)
        return self._decode_whole(bytes(utterance.audio))

    def close(self, stream: int) -> None:
        utterance = self._utterances.pop(stream, None)
        phrases = self._phrases.pop(stream, ())
        if utterance is not None and utterance.decoder is not None:
            utterance.decoder.end_utt()
            self._give_back(phrases, utterance.decoder)
        idle = [key for key in self._grammars if key not in self._phrases.values()]
        for key in idle[: max(0, len(self._grammars) - MAX_IDLE_GRAMMARS)]:
            del self._grammars[key]

    def _take(self, stream: int) -> pocketsphinx.Decoder | None:
        phrases = self._phrases[stream]
        if phrases:
            free = self._grammars.setdefault(phrases, [])
            return free.pop() if free else self._grammar_decoder(phrases)
        if self._models:
            return self._models.pop()
        if self._model_count < MAX_MODEL_DECODERS:
            self._model_count += 1
            return _model_decoder()
        return None

    def _give_back(
        self, phrases: tuple[str, ...], decoder: pocketsphinx.Decoder
    ) -> None:
        if phrases:
            self._grammars.setdefault(phrases, []).append(decoder)
        else:
            self._models.append(decoder)

    def _decode_whole(self, pcm: bytes) -> Heard:
        if not self._models:
            # All are in use by streams that are being decoded as they come.
            self._model_count += 1
            self._models.append(_model_decoder())
        decoder = self._models[-1]
        decoder.start_utt()
        decoder.process_raw(pcm, False, True)
        decoder.end_utt()
        return _heard(decoder)

    def _grammar_decoder(self, phrases: tuple[str, ...]) -> pocketsphinx.Decoder:
        reference = (self._models or [_model_decoder()])[0]
        with tempfile.NamedTemporaryFile("w", suffix=".dict", encoding="ascii") as file:
            file.write(grammar.lexicon(phrases, reference.lookup_word))
            file.flush()
            decoder = pocketsphinx.Decoder(
                samprate=RATE_HZ,
                loglevel="FATAL",
                lm=None,
                dict=file.name,
                # The lattice of a phone loop takes minutes to search.
                bestpath=False,
            )
        decoder.add_jsgf_string("caller", grammar.jsgf(phrases))
        decoder.activate_search("caller")
        decoder.set_cmn(TYPICAL_MEAN)
        return decoder


def _model_decoder() -> pocketsphinx.Decoder:
    # ds=2 scores every second frame: a third less work for the same words on flite.
    decoder = pocketsphinx.Decoder(
        samprate=RATE_HZ, loglevel="FATAL", ds=2, maxhmmpf=3000
    )
    decoder.set_cmn(TYPICAL_MEAN)
    return decoder


def _text(decoder: pocketsphinx.Decoder) -> str:
    hypothesis = decoder.hyp()
    return hypothesis.hypstr if hypothesis is not None else ""


def _heard(decoder: pocketsphinx.Decoder) -> Heard:
    hypothesis = decoder.hyp()
    if hypothesis is None:
        return Heard("", 0.0)
    return Heard(hypothesis.hypstr, min(1.0, max(0.0, hypothesis.prob)))


def serve(commands: BinaryIO, answers: BinaryIO) -> None:
    """Do what the commands say until they end."""
    recogniser = Recogniser()
    _answer(answers, {"kind": "ready"})
    while header := commands.read(HEADER.size):
        kind, stream, length = HEADER.unpack(header)
        payload = commands.read(length)
        began = time.perf_counter()
        if kind == b"O":
            recogniser.open(stream, json.loads(payload))
        elif kind == b"A":
            text = recogniser.hear(stream, payload)
            if text is not None:
                _answer(answers, {"kind": "interim", "stream": stream, "text": text})
        elif kind == b"E":
            heard = recogniser.end(stream)
            took_ms = round((time.perf_counter() - began) * 1000)
            _answer(
                answers,
                {
                    "kind": "final",
                    "stream": stream,
                    "text": heard.text,
                    "confidence": round(heard.confidence, 3),
                    "took_ms": took_ms,
                },
            )
        elif kind == b"X":
            recogniser.close(stream)


def _answer(answers: BinaryIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer).encode() + b"\n")
    answers.flush()


if __name__ == "__main__":
    os.nice(5)  # audio that is playing goes before words that are being looked up
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        serve(sys.stdin.buffer, sys.stdout.buffer)
