"""The form asks all there is to set, and puts every refusal beside its control."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from assistants.forms import AssistantForm, initial_of
from assistants.models import Assistant
from assistants.spec import AssistantSpec
from portal.scope import organization_scope
from portal.services.privacy import save_privacy
from tests.world import House, browser, desk_spec

pytestmark = pytest.mark.django_db


@pytest.fixture
def in_bakery(bakery: House) -> Any:
    with organization_scope(bakery.organization):
        yield bakery


def answers(spec: AssistantSpec | None = None, **changes: Any) -> dict[str, Any]:
    """What a browser sends for a spec, with changes; a switch that is off is absent."""
    form = AssistantForm(spec=spec or desk_spec())
    sent = {}
    for name in form.fields:
        value = changes.get(name, form[name].value())
        if value is not None and value is not False:
            sent[name] = "on" if value is True else value
    return sent | {
        name: value
        for name, value in changes.items()
        if value is not None and not isinstance(value, bool)
    }


def checked(**changes: Any) -> AssistantForm:
    return AssistantForm(answers(**changes), spec=desk_spec())


def test_saving_without_a_change_changes_nothing(in_bakery: House) -> None:
    spec = desk_spec()
    form = checked()
    assert form.is_valid(), form.errors
    again = AssistantForm(answers(form.spec), spec=form.spec)
    assert again.is_valid(), again.errors
    assert again.spec == form.spec
    assert form.spec.llm_config.instructions == spec.llm_config.instructions


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("endpointing_min_delay", "0.05"),
        ("endpointing_max_delay", "5.5"),
        ("interruption_min_duration", "3"),
        ("interruption_min_words", "11"),
        ("false_interruption_timeout", "0.1"),
        ("silence_first_check", "0"),
        ("silence_interval", "2"),
        ("silence_max_attempts", "11"),
        ("silence_final_message", "a" * 301),
        ("silence_messages", "a\n" * 6),
        ("background_volume", "2"),
        ("end_call_message", "a" * 301),
        ("end_call_phrases", "!"),
        ("pronunciation", "no sign here"),
        ("pronunciation", "word = " + "a" * 129),
        ("notification_emails", "nobody"),
        ("first_message_outbound", "a" * 301),
        ("temperature", "3"),
        ("max_duration_minutes", "0"),
        ("tts.speed", "9"),
        ("name", ""),
    ],
)
def test_what_is_outside_its_limits_is_told_beside_the_control(
    in_bakery: House, name: str, value: str
) -> None:
    form = checked(**{name: value})
    assert not form.is_valid()
    assert list(form.errors) == [name]


def test_the_longer_delay_must_not_be_the_shorter_one(in_bakery: House) -> None:
    form = checked(endpointing_min_delay="3", endpointing_max_delay="1")
    assert not form.is_valid()
    assert list(form.errors) == ["endpointing_max_delay"]


def test_all_answers_arrive_in_the_spec(in_bakery: House) -> None:
    form = checked(
        autonomous_silence_handling=True,
        silence_messages="Hello?\nAre you there?",
        pronunciation="KvK = kah vay kah",
        background_enabled=True,
        background_clip="city",
        false_interruption_timeout=None,
        notification_emails="a@b.nl\nc@d.nl",
        fallback_model="demo/demo-1",
        **{"stt.keyterms": "Acme\nBakery"},
    )
    assert form.is_valid(), form.errors
    spec, speech = form.spec, form.spec.speech_config
    assert spec.autonomous_silence_handling
    assert speech.silence.messages == ("Hello?", "Are you there?")
    assert speech.pronunciation[0].to == "kah vay kah"
    assert (speech.background_audio.enabled, speech.background_audio.clip) == (
        True,
        "city",
    )
    assert speech.turn_taking.false_interruption_timeout is None
    assert spec.notification_emails == ("a@b.nl", "c@d.nl")
    assert spec.llm_config.fallbacks[0].provider == "demo"
    assert spec.hears().keyterms == ("Acme", "Bakery")
    assert initial_of(spec)["pronunciation"] == "KvK = kah vay kah"


def test_what_the_form_does_not_ask_stays(in_bakery: House) -> None:
    values = desk_spec().model_dump(by_alias=True)
    values["webhook_url"] = "https://hooks.example.com/a"
    values["llm_config"]["messages"] = [
        *values["llm_config"]["messages"],
        {"role": "user", "content": "An example"},
    ]
    spec = AssistantSpec.model_validate(values)
    form = AssistantForm(answers(spec), spec=spec)
    assert form.is_valid(), form.errors
    assert form.spec.webhook_url == spec.webhook_url
    assert [m.role for m in form.spec.llm_config.messages] == ["system", "user"]


def test_another_provider_has_other_options(in_bakery: House, settings: Any) -> None:
    settings.VENDOR_KEYS = {"elevenlabs": "k", "gladia": "k", "xai": "k"}
    form = AssistantForm(
        answers(voice="elevenlabs/hpp4J3VqNfWAUOO0d1Us", listener="gladia/solaria-1")
    ).unchecked()
    names = {field.name for field in form.tts_options + form.stt_options}
    assert {"tts.stability", "stt.region", "stt.code_switching"} <= names
    assert "own_voice" in form.fields
    v3 = AssistantForm(
        answers(voice="elevenlabs/hpp4J3VqNfWAUOO0d1Us", voice_model="eleven_v3")
    ).unchecked()
    assert {field.name for field in v3.tts_options} == {
        "tts.stability",
        "tts.apply_text_normalization",
    }


def test_a_realtime_model_brings_its_voices_and_needs_no_ears(
    in_bakery: House, settings: Any
) -> None:
    settings.VENDOR_KEYS = {"xai": "k"}
    model = "xai_realtime/grok-voice-think-fast-2.0"
    form = AssistantForm(
        answers(model=model, voice="xai_realtime/eve", listener=None, language=None)
        | {"llm.reasoning_effort": "high"}
    )
    assert form.is_valid(), form.errors
    assert form.spec.is_realtime
    assert form.spec.llm_config.voice == "eve"
    assert form.spec.llm_config.reasoning_effort == "high"
    again = AssistantForm(answers(form.spec), spec=form.spec)
    assert again.is_valid(), again.errors
    assert again.spec == form.spec


def test_the_parts_are_drawn_again_for_another_choice(
    bakery: House, settings: Any
) -> None:
    settings.VENDOR_KEYS = {"xai": "k"}
    with organization_scope(bakery.organization):
        sent = answers(model="xai_realtime/grok-voice-think-fast-2.0", voice="")
    page = browser(bakery, bakery.people["dora"]).post("/assistants/fields/", sent)
    assert page.status_code == 200
    text = page.content.decode()
    assert 'name="llm.reasoning_effort"' in text
    assert 'value="xai_realtime/ara"' in text
    assert "Speech recognition" not in text
    assert "field__error" not in text


def test_a_refused_form_saves_nothing_and_shows_why(bakery: House) -> None:
    with organization_scope(bakery.organization):
        sent = answers(endpointing_min_delay="9")
        before = Assistant.objects.count()
    page = browser(bakery, bakery.people["dora"]).post("/assistants/new/", sent)
    assert page.status_code == 422
    assert 'id="id_endpointing_min_delay_error"' in page.content.decode()
    with organization_scope(bakery.organization):
        assert Assistant.objects.count() == before


def spec_with(messages: list[tuple[str, str]], **values: Any) -> AssistantSpec:
    dumped = desk_spec().model_dump(by_alias=True) | values
    dumped["llm_config"]["messages"] = [
        {"role": role, "content": content} for role, content in messages
    ]
    return AssistantSpec.model_validate(dumped)


def test_examples_are_turns_of_caller_and_assistant(in_bakery: House) -> None:
    form = checked(
        examples="Caller: Are you open?\nassistant: Until six.\nAnd on Sunday not."
    )
    assert form.is_valid(), form.errors
    told = [(one.role, one.content) for one in form.spec.llm_config.messages]
    assert told[1:] == [
        ("user", "Are you open?"),
        ("assistant", "Until six.\nAnd on Sunday not."),
    ]
    assert form.spec.llm_config.instructions == desk_spec().llm_config.instructions
    shown = initial_of(form.spec)["examples"]
    assert shown.startswith("Caller: Are you open?\nAssistant: Until six.")
    refused = checked(examples="Are you open?")
    assert list(refused.errors) == ["examples"]


def test_messages_that_the_api_gave_in_pieces_stay_in_pieces(in_bakery: House) -> None:
    pieces = [("user", "Hi"), ("system", "Be kind."), ("system", "Be brief.")]
    spec = spec_with(pieces)
    form = AssistantForm(answers(spec), spec=spec)
    assert form.is_valid(), form.errors
    assert form.spec.llm_config.messages == spec.llm_config.messages
    other = AssistantForm(answers(spec, instructions="Be quick."), spec=spec)
    assert other.is_valid(), other.errors
    told = [(one.role, one.content) for one in other.spec.llm_config.messages]
    assert told == [("system", "Be quick."), ("user", "Hi")]


@pytest.mark.parametrize("seconds", [10, 59, 90, 100, 3_601, 7_200])
def test_the_longest_call_is_kept_to_the_second(in_bakery: House, seconds: int) -> None:
    spec = desk_spec().model_copy(update={"max_duration_seconds": seconds})
    form = AssistantForm(answers(spec), spec=spec)
    assert form.is_valid(), form.errors
    assert form.spec.max_duration_seconds == seconds


def test_the_older_name_of_the_first_check_never_tells_another_time(
    in_bakery: House,
) -> None:
    spec = desk_spec().model_copy(update={"silence_timeout_seconds": 3.0})
    kept = AssistantForm(answers(spec), spec=spec)
    assert kept.is_valid(), kept.errors
    assert kept.spec.silence_timeout_seconds == 3
    changed = AssistantForm(answers(spec, silence_first_check="9"), spec=spec)
    assert changed.is_valid(), changed.errors
    assert changed.spec.silence_timeout_seconds is None
    assert changed.spec.speech_config.silence.first_check_seconds == 9


def test_a_new_assistant_begins_with_what_keys_and_policy_allow(
    bakery: House, settings: Any
) -> None:
    settings.VENDOR_KEYS = {"openai": "k", "mistral": "k", "deepgram": "k"}
    dora = browser(bakery, bakery.people["dora"])

    def begun(name: str) -> Any:
        return dora.get("/assistants/new/").context["form"][name].value()

    assert begun("model") == "openai/gpt-5.4"
    with organization_scope(bakery.organization):
        save_privacy(organization=bakery.organization, regions="eu", actor=None)
    assert begun("model") == "mistral/mistral-medium-latest"
    assert begun("listener") == "mistral/voxtral-mini-latest"


def test_a_new_secret_of_the_webhook_is_offered_and_shown_once(bakery: House) -> None:
    dora = browser(bakery, bakery.people["dora"])
    at = f"/assistants/{bakery.assistant.pk}/edit/"
    assert "webhook-rotate" not in dora.get(at).content.decode()
    with organization_scope(bakery.organization):
        sent = answers(webhook_url="https://hooks.example.com/a")
    assert dora.post(at, sent).status_code == 302
    page = dora.get(at)
    webhook = page.context["webhook"]
    assert webhook.secret_hint in page.content.decode()
    assert webhook.secret not in page.content.decode()
    shown = dora.post(reverse("webhook_rotate", args=[webhook.pk]))
    with organization_scope(bakery.organization):
        webhook.refresh_from_db()
    assert webhook.secret in shown.content.decode()
