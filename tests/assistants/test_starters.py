"""What comes with the product, in the language of whoever it is for."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.urls import reverse

from assistants.editing import keep_spec
from assistants.models import AnalysisTemplate, Assistant, ToolTemplate
from assistants.services import delete_assistant, working_spec
from assistants.starters import Starter, spoken, starters
from calls.vendors.offline.rules import parse_rules
from portal.models import User
from portal.scope import organization_scope
from tests.world import House, browser, desk_spec

LANGUAGES = [code for code, _name in settings.LANGUAGES]
OTHERS = [code for code in LANGUAGES if code != "en"]


def shape(starter: Starter) -> object:
    """What a program relies on, whatever the language."""
    fields = [(f.name, f.type, f.required, len(f.choices)) for f in starter.fields]
    return starter.slug, fields, starter.run_async, starter.message is None


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_changes_words_and_nothing_else(language: str) -> None:
    ours, english = starters(language), starters("en")
    for kind in ("tools", "analyses"):
        pairs = zip(getattr(ours, kind), getattr(english, kind), strict=True)
        for one, other in pairs:
            assert shape(one) == shape(other)
            assert one.description != other.description
            for field, its in zip(one.fields, other.fields, strict=True):
                assert field.description != its.description
    for mine, other in zip(ours.assistants, english.assistants, strict=True):
        assert mine.slug == other.slug
        assert mine.instructions != other.instructions
        assert mine.first_message != other.first_message


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_demo_model_follows_every_assistant_to_its_end(language: str) -> None:
    for starter in starters(language).assistants:
        rules = parse_rules(starter.instructions)
        assert rules.otherwise is not None, starter.slug
        assert len(rules.rules) >= 3, starter.slug
        goodbyes = [r.action for r in rules.rules if r.action.ends_call]
        assert all(action.say for action in goodbyes), starter.slug
        assert goodbyes, starter.slug


def test_a_language_that_nobody_speaks_is_english() -> None:
    assert spoken("de-AT") == "de"
    assert spoken("multi", "nl") == "nl"
    assert spoken("tlh", "../en", "") == "en"


def test_a_shelf_speaks_the_language_of_the_page_or_the_one_chosen(
    bakery: House,
) -> None:
    User.objects.update(language="nl")
    dora = browser(bakery, bakery.people["dora"])
    page = dora.get(reverse("tool_template_list")).content.decode()
    assert "Afspraak maken" in page
    assert '<option value="nl" lang="nl" selected>' in page
    german = dora.get(reverse("tool_template_list"), {"language": "de"})
    assert "Termin vereinbaren" in german.content.decode()
    found = dora.get(reverse("analysis_template_list"), {"q": "Afspraak"})
    assert "Tevredenheid" not in found.content.decode()


def test_a_copy_has_the_words_that_were_shown(bakery: House) -> None:
    dora = browser(bakery, bakery.people["dora"])
    dora.post(reverse("tool_template_copy", args=["take_message"]), {"language": "de"})
    dora.post(reverse("analysis_template_copy", args=["message"]), {"language": "nl"})
    with organization_scope(bakery.organization):
        tool = ToolTemplate.objects.get()
        analysis = AnalysisTemplate.objects.get()
    urgency = tool.tool_config["parameters"]["properties"]["urgency"]
    assert (tool.name, urgency["enum"][0]) == ("Nachricht aufnehmen", "heute")
    assert tool.tool_config["name"] == "take_message"
    assert analysis.name == "Bericht voor een mens"


def test_an_assistant_gets_tools_in_the_language_it_speaks(bakery: House) -> None:
    spec = desk_spec()
    assert spec.tts_config is not None
    voice = spec.tts_config.model_copy(
        update={"language": "de", "voice_id": "espeak-de"}
    )
    german = spec.model_copy(update={"tts_config": voice})
    with organization_scope(bakery.organization):
        keep_spec(assistant=bakery.assistant, spec=german, actor=None)
    dora = browser(bakery, bakery.people["dora"])
    at = {"assistant_id": bakery.assistant.pk}
    page = dora.get(reverse("assistant_tool_library", kwargs=at)).content.decode()
    assert "Bestellung nachsehen" in page
    insert = reverse(
        "assistant_tool_insert_starter", kwargs=at | {"tool_slug": "check_order"}
    )
    dora.post(insert)
    with organization_scope(bakery.organization):
        bakery.assistant.refresh_from_db()
        tool = working_spec(bakery.assistant).llm_config.tools[-1]
    assert tool.type == "function"
    assert tool.message == "Einen Moment, ich sehe nach."


def test_a_new_assistant_begins_with_the_words_of_the_page(bakery: House) -> None:
    User.objects.update(language="nl")
    dora = browser(bakery, bakery.people["dora"])
    form = dora.get(reverse("assistant_new")).context["form"]
    assert form["name"].value() == "Receptie"
    assert form["voice"].value() == "offline/espeak-nl"
    # No recogniser at hand knows Dutch: the page says so, and the form stays sound.
    assert form["language"].value() == "en"
    german = dora.get(
        reverse("assistant_new"), {"from": "orders", "language": "de"}
    ).context
    assert german["form"]["name"].value() == "Bestellungen"
    assert not german["gallery"]["is_heard"]
    chosen = [card["slug"] for card in german["gallery"]["cards"] if card["is_current"]]
    assert chosen == ["orders"]


def test_an_assistant_for_a_voice_speaks_the_voices_language(bakery: House) -> None:
    dora = browser(bakery, bakery.people["dora"])
    chosen = {"voice": "offline/espeak-de-f"}
    form = dora.get(reverse("assistant_new"), chosen).context["form"]
    assert form["name"].value() == "Empfang"
    assert form["voice"].value() == "offline/espeak-de-f"
    odd = dora.get(reverse("assistant_new"), {"voice": "nobody/none"})
    assert odd.context["form"]["name"].value() == "Front desk"


def test_what_nobody_offers_is_not_begun_with(bakery: House) -> None:
    dora = browser(bakery, bakery.people["dora"])
    at = reverse("assistant_new")
    odd = dora.get(at, {"from": "../../etc", "language": "<script>"}).context
    assert odd["form"]["name"].value() == "Front desk"
    assert [c for c in odd["gallery"]["cards"] if c["is_current"]] == []
    empty = dora.get(at, {"from": "nothing"}).context["form"]
    assert not empty["instructions"].value()
    assert empty["model"].value() == "demo/demo-1"


def test_an_assistant_that_was_begun_with_is_created(bakery: House) -> None:
    dora = browser(bakery, bakery.people["dora"])
    at = f"{reverse('assistant_new')}?from=feedback&language=de"
    form = dora.get(at).context["form"]
    sent = {
        name: form[name].value()
        for name in form.fields
        if form[name].value() is not None and form[name].value() is not False
    }
    answer = dora.post(at, sent)
    assert answer.status_code == 302, answer.context["form"].errors
    with organization_scope(bakery.organization):
        made = Assistant.objects.get(name="Kundenmeinung")
        spec = working_spec(made)
    assert spec.first_message.startswith("Guten Tag")
    assert spec.speaks().voice_id == "espeak-de"


def test_who_has_no_assistant_chooses_what_the_first_one_does(bakery: House) -> None:
    dora = browser(bakery, bakery.people["dora"])
    with organization_scope(bakery.organization):
        delete_assistant(assistant=bakery.assistant, actor=None)
    page = dora.get(reverse("assistant_list"))
    cards = page.context["cards"]
    assert [card["title"] for card in cards][:2] == ["Front desk", "Appointments"]
    form = dora.get(cards[1]["url"]).context["form"]
    assert form["name"].value() == "Appointments"
