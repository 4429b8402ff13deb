"""Where the data of an assistant goes, as a drawing and as a record."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from assistants.services import save_assistant
from portal.scope import organization_scope
from portal.services.privacy import save_privacy
from tests.assistants.test_sovereignty import BELLA, FUNCTION, GPT, NOVA, spec_with
from tests.world import House, browser


def far_reaching(house: House, **choices: Any) -> None:
    """An assistant that sends data everywhere, and the policy that came later."""
    with organization_scope(house.organization):
        spec = spec_with(
            llm_config=GPT | {"tools": [FUNCTION]},
            stt_config={"fallbacks": [NOVA]},
            tts_config=BELLA,
        )
        save_assistant(assistant=house.assistant, spec=spec, actor=None)
        save_privacy(organization=house.organization, actor=None, **choices)


def test_every_receiver_is_drawn_at_its_place(bakery: House) -> None:
    far_reaching(bakery, regions="eu", redacted_categories=["email"])
    page = browser(bakery, bakery.people["bob"]).get(
        reverse("assistant_data", args=[bakery.assistant.pk])
    )
    drawn = {
        str(place.label): [
            (flow.receiver, flow.is_fallback, flow.is_allowed) for flow in place.flows
        ]
        for place in page.context["places"]
    }
    assert drawn == {
        "Own servers": [
            ("This installation", False, True),
            ("Offline recogniser (English, for demos and tests)", False, True),
            ("Simulator (no real calls)", False, True),
        ],
        "Outside the European Union": [
            ("OpenAI", False, False),
            ("Deepgram", True, False),
            ("ElevenLabs", False, False),
        ],
        "Addresses of your own": [("crm.example.com", False, False)],
    }
    assert page.content.count(b"Not allowed") == 4


def test_the_record_says_the_same_in_words(bakery: House) -> None:
    far_reaching(
        bakery, content_retention_days=30, redacted_categories=["payment_card"]
    )
    answer = browser(bakery, bakery.people["bob"]).get(
        reverse("assistant_data_record", args=[bakery.assistant.pk])
    )
    assert answer["Content-Disposition"].startswith("attachment; filename=")
    text = answer.content.decode()
    for words in (
        "Record of processing: Front desk",
        "Bakery",
        "* OpenAI: Deciding what to say (Text)",
        "* Deepgram: Hearing the caller (Sound; only when another fails)",
        "* crm.example.com: check_slot (Text and details of the call)",
        "Transcript, summary and recording: 30 days",
        "Taken out before storing: Payment card numbers",
    ):
        assert words in text


def test_a_call_that_keeps_nothing_is_said_so(bakery: House) -> None:
    far_reaching(bakery, gdpr_mode=True)
    text = (
        browser(bakery, bakery.people["bob"])
        .get(reverse("assistant_data_record", args=[bakery.assistant.pk]))
        .content.decode()
    )
    assert "Transcript, summary and recording: not kept after its report" in text
    assert "keeping its transcript" not in text
