"""Asking a caller on the telephone for consent, where the assistant wants it asked."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from calls.node import database
from calls.node.consent_gate import ConsentGate, question_for
from calls.node.studio import Studio
from calls.services.consents import record_consent
from calls.services.running import CallOrder
from calls.session.events import EndReason
from calls.telephony.protocol import IncomingLeg
from calls.vendors.registry import VendorSet

_NO: Final = {
    "given": None,
    "declined": EndReason.CONSENT_DECLINED,
    "none": EndReason.CONSENT_UNANSWERED,
}


def asks_for_consent(order: CallOrder) -> bool:
    """Whether the assistant wants its callers asked."""
    wanted = order.spec.recording_consent
    return wanted is not None and wanted.enabled


async def ask_for_consent(
    order: CallOrder,
    leg: IncomingLeg,
    studio: Studio,
    vendors: VendorSet,
    *,
    patience_s: float,
) -> EndReason | None:
    """Ask, and write down what was answered; return why the call ends, if it does."""
    wanted, language = order.spec.recording_consent, order.spec.language
    voices = [studio.announcer(language)]
    if vendors.tts is not None:  # a realtime model has no voice to ask with
        voices.insert(0, vendors.tts)
    gate = ConsentGate(
        leg,
        voices,
        question_for(wanted.message if wanted else None, language),
        studio.yes_or_no(language),
    )
    consent = await gate.ask()
    if consent is None:
        return EndReason.USER_HANGUP
    await database.insist(
        record_consent,
        patience_s=patience_s,
        order=order,
        language=language,
        **asdict(consent),
    )
    return _NO[consent.answer]
