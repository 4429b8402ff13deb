"""Writing the caller's words of a realtime call down from its recording, once.

A realtime model hears by itself, and what it tells of the caller's words is an
afterthought of it. An assistant may name a recogniser that reads the recording after the
call: its words then stand in the transcript, before anything is found out about the call.

Nothing is read of a call that keeps nothing, whose recording is gone, or whose content
was deleted. What the policy takes out of texts is taken out of these too, and out of the
recording where this recogniser heard it and the model had not.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from django.core.files.storage import storages
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from assistants.catalogue import PriceUnit, Provider, Stage, catalogue
from assistants.spec import AssistantSpec
from assistants.vendor_shapes import STTChoice
from calls.models import Call, CallAnalysis, Turn
from calls.services.unnaming import names_of
from common.redaction import redact
from portal.policy import Policy
from portal.sealed import ToSeal
from portal.services.privacy import policy_for

if TYPE_CHECKING:  # the audio library is loaded where a recording is read
    from calls.media.speech_stretches import Piece

logger = logging.getLogger(__name__)

BYTES_A_MS: Final = 32  # s16 mono at 16 kHz

# What reading a recording may be billed by, and how many milliseconds make one.
_UNITS: Final = {
    PriceUnit.PER_MINUTE_BATCH: 60_000,
    PriceUnit.PER_MINUTE: 60_000,
    PriceUnit.PER_HOUR: 3_600_000,
    PriceUnit.PER_MINUTE_STREAMING: 60_000,
}


class NotTranscribed(Exception):
    """It did not work now. The message is for people."""


def transcribe(call: Call, spec: AssistantSpec, credentials: dict[str, Any]) -> bool:
    """Put a recogniser's words in place of the model's; return whether it did.

    Who calls holds the claim of the call's analysis and is in its scope. Done once: a
    second time, after a worker was killed, changes nothing and costs nothing. Raises
    `NotTranscribed` when another try may help.
    """
    wanted = spec.after_call_transcription
    if wanted is None or not spec.is_realtime or not _may_be_read(call):
        return False
    provider = catalogue().find(Stage.STT, wanted.provider)
    if provider is None or provider.after_call_model is None:
        return False
    choice = STTChoice(
        provider=provider.id,
        model=wanted.model or provider.after_call_model,
        language=wanted.language or "multi",
    )
    pieces = _pieces(call)
    texts, owner = _texts(spec, choice, credentials, pieces) if pieces else ((), "")
    policy = policy_for(call.agency_id, call.organization_id)
    names = names_of(call, policy)
    _silence(call, pieces, texts, policy, names)
    heard_ms = sum(len(piece.pcm) // BYTES_A_MS for piece in pieces)
    bill = {
        "transcribed_at": timezone.now(),
        "transcript_provider": provider.id,
        "transcript_model": choice.model,
        "transcript_key_owner": owner,
        "transcript_cost_microeuros": _cost(provider, choice.model, heard_ms),
        "transcript_note": "",
    }
    return _keep(call, _lines(pieces, texts, policy, names), bill)


def give_up(call: Call, reason: str) -> None:
    """Note that the model's own words stay, and why."""
    CallAnalysis.objects.filter(call=call, transcribed_at__isnull=True).update(
        transcript_note=reason[:300]
    )


def _may_be_read(call: Call) -> bool:
    call.refresh_from_db(fields=["recording", "content_purged_at", "keeps_content"])
    if not (call.recording and call.keeps_content) or call.content_purged_at:
        return False
    return not CallAnalysis.objects.filter(
        call=call, transcribed_at__isnull=False
    ).exists()


def _pieces(call: Call) -> list[Piece]:
    from calls.media.speech_stretches import NotARecording, pieces_of, sides_of

    try:
        with storages["recordings"].open(call.recording) as kept:
            caller, _assistant = sides_of(kept)
            return pieces_of(caller)
    except FileNotFoundError as error:  # it is being made small at this moment
        raise NotTranscribed("The recording is being moved.") from error
    except NotARecording:
        logger.exception("recording not readable", extra={"call_id": str(call.pk)})
        return []


def _texts(
    spec: AssistantSpec,
    choice: STTChoice,
    credentials: dict[str, Any],
    pieces: Sequence[Piece],
) -> tuple[tuple[str, ...], str]:
    from calls.vendors.errors import ProviderError  # loads the voice library
    from calls.vendors.writing_down import write_down

    try:
        written = asyncio.run(
            write_down(
                spec=spec,
                choice=choice,
                credentials=credentials,
                pieces=[piece.pcm for piece in pieces],
            )
        )
    except ProviderError as error:
        raise NotTranscribed(error.message[:300]) from error
    return written.texts, str(written.owner)


def _silence(
    call: Call,
    pieces: Sequence[Piece],
    texts: Sequence[str],
    policy: Policy,
    names: Collection[str],
) -> None:
    """Take out of the recording what is taken out of these words."""
    hidden = [
        piece
        for piece, text in zip(pieces, texts, strict=False)
        if redact(text, policy.redacted, names).found
    ]
    if hidden:
        from calls.media.silencing import Stretch
        from calls.services.silencing import silence_kept

        stretches = [Stretch("caller", one.start_ms, one.end_ms) for one in hidden]
        silence_kept(call=call, stretches=stretches)


def _lines(
    pieces: Sequence[Piece],
    texts: Sequence[str],
    policy: Policy,
    names: Collection[str],
) -> list[tuple[Piece, str]]:
    lines = []
    for piece, text in zip(pieces, texts, strict=False):
        plain = redact(text.replace("\x00", ""), policy.redacted, names).text
        if plain:
            lines.append((piece, ToSeal(plain) if policy.seals_content else plain))
    return lines


@transaction.atomic
def _keep(call: Call, lines: Sequence[tuple[Piece, str]], bill: dict[str, Any]) -> bool:
    """Write the words, who had them and what they cost, all or nothing of it."""
    is_first = CallAnalysis.objects.filter(
        call=call, transcribed_at__isnull=True
    ).update(**bill)
    if not is_first:
        return False
    if lines:  # a recogniser that heard nothing is no reason to forget what was said
        last = Turn.objects.filter(call=call).aggregate(last=Max("index"))["last"]
        Turn.objects.filter(call=call, speaker=Turn.Speaker.USER).delete()
        Turn.objects.bulk_create(
            Turn(
                organization_id=call.organization_id,
                agency_id=call.agency_id,
                call=call,
                index=number,
                speaker=Turn.Speaker.USER,
                text=text,
                started_ms=piece.start_ms,
                ended_ms=piece.end_ms,
            )
            for number, (piece, text) in enumerate(lines, (last or 0) + 1)
        )
    return bool(lines)


def _cost(provider: Provider, model: str, heard_ms: int) -> int:
    prices = provider.prices_of(model)
    for unit, milliseconds in _UNITS.items():
        if unit in prices:
            return round(prices[unit] * 1_000_000 * heard_ms / Decimal(milliseconds))
    return 0
