"""Who answered, by real sounds: spoken words, tones and music as G.711 carries them."""

from __future__ import annotations

import numpy as np
import pytest

from calls.media.g711 import G711Decoder, G711Encoder
from calls.session.answering import AnswerEar, AnsweredBy, Verdict
from calls.telephony.simulator.speech import render

RATE_HZ = 16_000
LINE_HZ = 8_000
FRAME = RATE_HZ // 50 * 2
DICE = np.random.default_rng(3)

Sound = np.ndarray


def still(duration_ms: int) -> Sound:
    """Silence as a line has it: a little noise."""
    return DICE.normal(0, 8, LINE_HZ * duration_ms // 1000)


def spoken(words: str) -> Sound:
    pcm = np.frombuffer(render(words), np.int16).astype(float)
    even = pcm[: pcm.size // 2 * 2].reshape(-1, 2)
    return even.mean(axis=1)


def tone(duration_ms: int, *pitches_hz: float, level: float = 5_000) -> Sound:
    at_s = np.arange(LINE_HZ * duration_ms // 1000) / LINE_HZ
    waves = [np.sin(2 * np.pi * hz * at_s) for hz in pitches_hz]
    return level * np.sum(waves, axis=0) / len(waves)


def fax(duration_ms: int) -> Sound:
    """The answer of a fax, ITU-T V.8: 2,100 Hz whose phase turns every 450 ms."""
    at_s = np.arange(LINE_HZ * duration_ms // 1000) / LINE_HZ
    turns = np.pi * (at_s // 0.45)
    swell = 1 + 0.2 * np.sin(2 * np.pi * 15 * at_s)
    return 4_000 * swell * np.sin(2 * np.pi * 2_100 * at_s + turns)


CHORDS = ((262, 330, 392), (220, 262, 330), (175, 220, 262), (196, 247, 294))


def orchestra(duration_ms: int) -> Sound:
    """Music on hold: chords with overtones, a melody over them, never still."""
    beat, pieces, made_ms = 400, [], 0
    while made_ms < duration_ms:
        chord = CHORDS[made_ms // (4 * beat) % len(CHORDS)]
        lead = 2 * chord[made_ms // beat % 3]
        voices = [hz * over for hz in (*chord, lead) for over in (1, 2, 3)]
        fall = np.exp(-1.5 * np.arange(LINE_HZ * beat // 1000) / LINE_HZ)
        pieces.append(tone(beat, *voices, level=12_000) * fall)
        made_ms += beat
    return np.concatenate(pieces)


def chimes(duration_ms: int) -> Sound:
    """The tune of an old exchange: one sine after another."""
    notes = (659, 622, 659, 622, 659, 494, 587, 523, 440)
    pieces = [tone(250, notes[n % len(notes)]) for n in range(duration_ms // 250)]
    return np.concatenate(pieces)


def listen(
    *sounds: Sound, words: str | None = None, words_after: int = 0
) -> tuple[AnswerEar, Verdict | None]:
    """Play sounds over a line; the words are known after so many of them."""
    ear = AnswerEar("en-US")
    encoder, decoder = G711Encoder("PCMA"), G711Decoder("PCMA")
    for number, sound in enumerate(sounds, 1):
        line = np.clip(sound, -32_000, 32_000).astype(np.int16).tobytes()
        for start in range(0, len(line) - 319, 320):
            pcm = decoder.decode(encoder.encode(line[start : start + 320]))
            assert len(pcm) == FRAME
            ear.hear(pcm, RATE_HZ)
        if words is not None and number == words_after:
            ear.understand(words)
    return ear, ear.verdict


def verdict_of(*sounds: Sound, words: str | None = None, words_after: int = 0) -> tuple:
    _, verdict = listen(*sounds, words=words, words_after=words_after)
    return (verdict.by, verdict.evidence) if verdict else (None, ())


@pytest.mark.parametrize("words", ["Hello?", "Yes, hello, this is Ann.", "De Vries."])
def test_a_short_hello_is_a_person(words: str) -> None:
    heard = verdict_of(
        still(600), spoken(words), still(900), words=words, words_after=3
    )
    assert heard == (AnsweredBy.PERSON, ("hello",))


@pytest.mark.parametrize(
    "words",
    [
        "Good morning, you are speaking with Peter of the accounts department, I was "
        "just about to leave, who is this and what is it about?",
        "Thank you for calling Acme Dental in Rotterdam, my name is Lisa, "
        "how may I help you today?",
    ],
)
def test_a_person_who_greets_at_length_is_not_taken_for_a_machine(words: str) -> None:
    by, evidence = verdict_of(
        still(400), spoken(words), still(1_500), words=words, words_after=3
    )
    assert (by, evidence) == (AnsweredBy.UNSURE, ("length",))


GREETS = "You have reached Ann. Please leave a message after the beep."


@pytest.mark.parametrize("pitch_hz", [440, 850, 1_000, 1_400, 2_000])
def test_a_voicemail_is_told_by_its_beep_though_nobody_knows_its_words(
    pitch_hz: float,
) -> None:
    ear, verdict = listen(
        still(500), spoken(GREETS), still(400), tone(400, pitch_hz), still(400)
    )
    assert verdict is not None
    assert (verdict.by, verdict.evidence) == (AnsweredBy.MACHINE, ("beep",))
    assert ear.is_our_turn


def test_a_voicemail_is_told_by_its_words_and_waits_for_its_beep() -> None:
    ear, verdict = listen(
        still(500), spoken(GREETS), still(800), words=GREETS, words_after=3
    )
    assert verdict is not None
    assert (verdict.by, verdict.evidence) == (AnsweredBy.MACHINE, ("words",))
    assert not ear.is_our_turn


def test_a_machine_that_could_not_be_told_is_known_by_a_late_beep() -> None:
    words = (
        "Hi, this is Ann, I am out for the day, you know what to do, talk to you soon"
    )
    greeting = still(500), spoken(words), still(1_500)
    assert verdict_of(*greeting, words=words, words_after=3)[0] is AnsweredBy.UNSURE
    ear, verdict = listen(
        *greeting, tone(300, 1_000), still(300), words=words, words_after=3
    )
    assert verdict is not None
    assert verdict.by is AnsweredBy.MACHINE
    assert ear.is_our_turn


def test_a_person_who_puts_us_through_stays_one() -> None:
    words = (
        "Good morning, Acme Dental, one moment please, I will put you through to her"
    )
    heard = verdict_of(
        *(still(300), spoken(words), still(1_500), tone(1_000, 425), still(4_000)),
        *(tone(1_000, 425), still(4_000)),
        words=words,
        words_after=3,
    )
    assert heard == (AnsweredBy.UNSURE, ("length",))


def test_silence_is_not_sure() -> None:
    assert verdict_of(still(8_000)) == (None, ())
    assert verdict_of(still(9_200)) == (AnsweredBy.UNSURE, ("silence",))


@pytest.mark.parametrize("ring", [(425,), (440, 480), (400, 450)])
def test_ringing_after_the_answer_is_nobody_yet(ring: tuple[float, ...]) -> None:
    rings = [tone(1_000, *ring), still(4_000)] * 4
    assert verdict_of(*rings) == (None, ())
    heard = verdict_of(
        *rings, spoken("Hello?"), still(900), words="Hello?", words_after=10
    )
    assert heard == (AnsweredBy.PERSON, ("hello",))


@pytest.mark.parametrize("music", [orchestra, chimes])
def test_music_on_hold_is_no_machine_that_records(music) -> None:
    ear, verdict = listen(still(300), music(18_000))
    assert verdict is not None
    assert (verdict.by, verdict.evidence) == (AnsweredBy.UNSURE, ("music",))
    assert not ear.has_beeped


def test_a_greeting_over_music_is_told_by_its_words() -> None:
    voice, under = spoken(GREETS), orchestra(9_000)
    mixed = under[: voice.size] * 0.15 + voice
    by, _ = verdict_of(still(300), mixed, still(300), words=GREETS, words_after=2)
    assert by is AnsweredBy.MACHINE


def test_a_fax_is_a_machine_that_takes_no_message() -> None:
    heard = verdict_of(still(1_800), fax(3_300), still(300))
    assert heard == (AnsweredBy.MACHINE, ("fax",))


def test_no_spoken_word_is_a_tone() -> None:
    for words in (
        "Mmmmm. Ooooh. No, no, no. Aaah, I see.",
        "Who is this? You? Do you know Lou and Sue, two new ones?",
        "The rain in Spain stays mainly in the plain.",
    ):
        ear, _ = listen(still(200), spoken(words), still(500))
        assert not ear.has_beeped, words
