"""What is left to do before calls come in and go out: derived from state, never claimed."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from calls.models import Call, PhoneNumber, Trunk
from calls.telephony.protocol import Checklist, SetupStep


def trunk_checklist(trunk: Trunk) -> Checklist:
    """Return the steps of a trunk, in the order a person does them."""
    is_known = trunk.registers or bool(
        trunk.inbound_addresses or trunk.host or trunk.carrier != "sip"
    )
    return Checklist.from_steps(
        SetupStep(
            _("Enter the carrier's address and your sign-in."),
            bool(trunk.host or (trunk.carrier != "sip" and trunk.password_hint)),
        ),
        SetupStep(
            _("Let calls in: register with the carrier, or name its addresses."),
            is_known,
        ),
        SetupStep(_("Test the connection until every line is good."), trunk.is_tested),
        SetupStep(_("Give the trunk to a number."), trunk.numbers.exists()),
        SetupStep(_("Switch the trunk on."), trunk.is_active),
    )


def number_checklist(number: PhoneNumber) -> Checklist:
    """Return what a number needs before its assistant answers it."""
    assistant, trunk = number.assistant, number.trunk
    return Checklist.from_steps(
        SetupStep(
            _("Choose the trunk its calls come in by."),
            trunk is not None or number.carrier != "simulator",
        ),
        SetupStep(
            _("Test that trunk's connection."), trunk is not None and trunk.is_tested
        ),
        SetupStep(
            _("Choose the assistant that answers it."),
            assistant is not None and assistant.is_active,
        ),
        SetupStep(_("Switch the number on."), number.is_active),
        SetupStep(
            _("Call it: the first call that comes in ends this list."),
            Call.objects.filter(
                number=number,
                direction=Call.Direction.INBOUND,
                started_at__isnull=False,
            ).exists(),
        ),
    )


def shown(checklist: Checklist) -> list[dict[str, Any]]:
    """Return a checklist as the timeline component draws it."""
    return [
        {
            "title": step.instruction,
            "tone": "success" if step.is_done else "neutral",
            "icon": "check" if step.is_done else "clock",
            "at": _("Done") if step.is_done else _("To do"),
        }
        for step in checklist.steps
    ]
