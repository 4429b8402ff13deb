"""What SIP statuses mean to us, in both directions: one table each.

what we get   486 600 busy · 480 408 487 no answer · 603 607 608 and others rejected ·
              everything else failed, with its reason in words
what we give  `REJECTIONS`
"""

from __future__ import annotations

from typing import Final

from sipmessage import Response

from calls.telephony.protocol import (
    NoAnswerOutcome,
    NotAnswered,
    RejectReason,
    TransferFailure,
)
from calls.telephony.sip.headers import text_of

_BUSY: Final = frozenset({486, 600})
_NO_ANSWER: Final = frozenset({408, 480, 487})
_REJECTED: Final = frozenset({433, 603, 607, 608})
_WORDS: Final = {
    401: "The trunk does not accept our credentials.",
    403: "The trunk does not allow this call.",
    404: "The number does not exist.",
    407: "The trunk does not accept our credentials.",
    408: "Nobody answered in time.",
    410: "The number is no longer in use.",
    480: "The number cannot be reached now.",
    484: "The number is incomplete.",
    486: "The line is busy.",
    487: "Nobody answered in time.",
    488: "The trunk takes none of our codecs.",
    503: "The trunk has no free lines.",
    600: "The line is busy everywhere.",
    603: "The call was declined.",
    604: "The number does not exist anywhere.",
}
REJECTIONS: Final = {
    RejectReason.BUSY: 486,
    RejectReason.UNKNOWN_NUMBER: 404,
    RejectReason.UNAVAILABLE: 480,
    RejectReason.DECLINED: 603,
    RejectReason.FORBIDDEN: 403,
    RejectReason.OVER_LIMIT: 503,
    RejectReason.FAILED: 500,
}
_TRANSFER: Final = {
    404: TransferFailure.BAD_DESTINATION,
    410: TransferFailure.BAD_DESTINATION,
    484: TransferFailure.BAD_DESTINATION,
    604: TransferFailure.BAD_DESTINATION,
    405: TransferFailure.NOT_SUPPORTED,
    420: TransferFailure.NOT_SUPPORTED,
    489: TransferFailure.NOT_SUPPORTED,
    501: TransferFailure.NOT_SUPPORTED,
    408: TransferFailure.NO_ANSWER,
    480: TransferFailure.NO_ANSWER,
    487: TransferFailure.NO_ANSWER,
    486: TransferFailure.BUSY,
    600: TransferFailure.BUSY,
}


def outcome_of(code: int) -> NoAnswerOutcome:
    if code in _BUSY:
        return NoAnswerOutcome.BUSY
    if code in _NO_ANSWER:
        return NoAnswerOutcome.NO_ANSWER
    if code in _REJECTED:
        return NoAnswerOutcome.REJECTED
    return NoAnswerOutcome.FAILED


def not_answered(response: Response) -> NotAnswered:
    """Return what a final answer other than 2xx to our INVITE means."""
    words = _WORDS.get(response.code) or f"The trunk answered: {phrase_of(response)}."
    return NotAnswered(
        outcome_of(response.code),
        words,
        code=str(response.code),
        retry_after_s=retry_after_of(response),
    )


def transfer_failure(code: int) -> TransferFailure:
    if code in _TRANSFER:
        return _TRANSFER[code]
    return (
        TransferFailure.FAILED
        if code >= 500 and code != 603
        else (TransferFailure.REFUSED)
    )


def phrase_of(response: Response) -> str:
    return f"{response.code} {text_of(response.phrase)[:80]}".strip()


def retry_after_of(response: Response) -> int | None:
    value = (response.headers.get("Retry-After") or "").partition(";")[0]
    number = value.partition("(")[0].strip()
    return (
        int(number)
        if number.isascii() and number.isdigit() and len(number) < 7
        else None
    )
