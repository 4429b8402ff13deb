"""Names that a call was told of: which they are, and taking them out afterwards.

    before the call   variables and metadata        taken out of every word as it comes
    after it          facts of the analysis, what   taken out of what was stored
                      tools were given

A name that only turns up at the end has been stored until then, for as long as the
analysis takes; the report goes out without it.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from django.db import transaction

from calls.models import Call, CallEvent, Transfer, Turn
from common.known_names import names_in
from common.redaction import Category, redact, redact_json
from portal.models import WebhookEvent
from portal.policy import Policy
from portal.sealed import ToSeal, is_sealed

_NAME = (Category.NAME,)


def names_of(call: Call, policy: Policy) -> frozenset[str]:
    """Return the names a call came with; none where the policy lets them stand."""
    if Category.NAME not in policy.redacted:
        return frozenset()
    return names_in([call.variables, call.metadata])


def names_learned(call: Call, facts: Any, policy: Policy) -> frozenset[str]:
    """Return the names that turned up in a call: in its facts, and in tools' arguments."""
    if Category.NAME not in policy.redacted:
        return frozenset()
    used = CallEvent.objects.filter(call=call, kind="tool_called")
    return names_in([facts, *(event.whole.get("arguments") for event in used)])


def unname(call: Call, names: Collection[str]) -> None:
    """Take names out of what is stored of a call; a second time changes nothing.

    The sound goes first: while the words still stand, a second try finds where.
    """
    turns = [turn for turn in call.turns.all() if redact(turn.text, _NAME, names).found]
    _silence(call, turns)
    with transaction.atomic():
        for turn in turns:
            turn.text = _as(turn, "text", redact(turn.text, _NAME, names).text)
            turn.save(update_fields=["text"])
        _unname_events(call, names)
        for transfer in Transfer.objects.filter(call=call).exclude(brief=""):
            brief = redact(transfer.brief, _NAME, names).text
            transfer.brief = _as(transfer, "brief", brief)
            transfer.save(update_fields=["brief"])
        for told in WebhookEvent.objects.filter(call_id=call.pk):
            body = redact_json(json.loads(told.body), _NAME, names)
            told.body = _as(told, "body", json.dumps(body, ensure_ascii=False))
            told.save(update_fields=["body"])


def _unname_events(call: Call, names: Collection[str]) -> None:
    for event in CallEvent.objects.filter(call=call).exclude(kind="ended"):
        event.data = redact_json(event.data, _NAME, names)
        if event.content_json:
            content = redact_json(json.loads(event.content_json), _NAME, names)
            event.content_json = ToSeal(json.dumps(content))
        event.save(update_fields=["data", "content_json"])


def _silence(call: Call, turns: list[Turn]) -> None:
    if not (turns and call.recording):
        return
    # They load the audio library.
    from calls.media.silencing import Stretch
    from calls.services.silencing import silence_kept

    stretches = [
        Stretch(
            "caller" if turn.speaker == Turn.Speaker.USER else "assistant",
            turn.started_ms,
            turn.ended_ms,
        )
        for turn in turns
    ]
    try:
        silence_kept(call=call, stretches=stretches)
    except FileNotFoundError:  # it was being made small at this moment
        call.refresh_from_db(fields=["recording"])
        silence_kept(call=call, stretches=stretches)


def _as(row: Any, name: str, text: str) -> str:
    """Return a text to be kept as the row kept it: sealed, or as it is."""
    return ToSeal(text) if is_sealed(row, name) else text
