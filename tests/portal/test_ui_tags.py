"""The tags and filters of every template."""

from __future__ import annotations

import pytest
from django import forms
from django.core.paginator import Paginator
from django.template import engines

from calls.session.events import EndReason
from portal.statuses import Tone, known_statuses, status_look
from portal.templatetags import ui


def render(text: str, **context: object) -> str:
    return engines["django"].from_string(text).render(context)


class Form(forms.Form):
    name = forms.CharField(help_text="Your own.")
    note = forms.CharField(required=False)
    kind = forms.ChoiceField(widget=forms.RadioSelect, choices=[("a", "A")])
    agreed = forms.BooleanField(required=False)
    token = forms.CharField(widget=forms.HiddenInput)


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0:00.0"), (65_449, "1:05.4"), (600_000, "10:00.0")]
)
def test_a_moment_of_a_call_and_a_place_in_its_recording(value: int, text: str):
    assert ui.clock_tenths(value) == text
    assert ui.clock(value) == text.partition(".")[0]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (8_400, "8 s"),
        (59_600, "1 min 00 s"),
        (125_000, "2 min 05 s"),
        (3_720_000, "1 h 02 min"),
    ],
)
def test_a_length_as_people_say_it(value: int, text: str):
    assert ui.duration(value) == text


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Ada King Lovelace", "AL"), ("acme", "A"), ("bob@acme.example", "BA"), ("", "?")],
)
def test_initials(name: str, letters: str):
    assert ui.initials(name) == letters


@pytest.mark.parametrize(
    "show",
    [
        *(ui.clock, ui.clock_tenths, ui.duration, ui.milliseconds),
        *(ui.credits, ui.unlocalized),
    ],
)
def test_nothing_is_shown_for_nothing(show):
    assert show(None) == ""


def test_pages_far_away_are_left_out():
    page = Paginator(range(300), 10).page(15)
    assert ui.page_numbers(page) == [1, 2, None, 14, 15, 16, None, 29, 30]


def test_an_icon_is_hidden_unless_it_has_a_label():
    assert 'aria-hidden="true"' in ui.icon("phone")
    assert 'role="img" aria-label="Call"' in ui.icon("phone", label="Call")
    assert "&lt;b&gt;" in ui.icon("phone", label="<b>")


def test_a_field_is_wired_to_its_help_its_unit_and_its_error():
    html = render('{% field form.name suffix="ms" %}', form=Form({}))
    assert 'aria-describedby="id_name_suffix id_name_helptext id_name_error"' in html
    for part in ("suffix", "helptext", "error"):
        assert f'id="id_name_{part}"' in html
    assert '<label class="field__label" for="id_name">' in html


def test_a_field_that_may_stay_empty_says_so():
    assert "Optional" in render("{% field form.note %}", form=Form())
    assert "Optional" not in render("{% field form.name %}", form=Form())
    assert "Optional" not in render("{% field form.agreed %}", form=Form())


def test_choices_are_a_group_with_a_legend():
    html = render("{% field form.kind %}", form=Form())
    assert "<fieldset" in html
    assert "<legend" in html


def test_attributes_go_to_the_control():
    html = render('{% field form.name hx_get="/x/" %}', form=Form())
    assert 'hx-get="/x/"' in html


def test_errors_of_hidden_fields_are_said_for_the_whole_form():
    html = render("{% form_errors form %}", form=Form({"name": "x", "kind": "a"}))
    assert "Token: This field is required." in html
    assert 'role="alert"' in html


def test_a_form_without_errors_says_nothing():
    assert render("{% form_errors form %}", form=Form()).strip() == ""


def test_all_fields_are_drawn_once():
    html = render("{% form_fields form %}", form=Form())
    for name in Form.base_fields:
        assert html.count(f'name="{name}"') == 1


def test_a_block_can_be_drawn_again():
    text = "{% block title %}A &amp; B{% endblock %}|{% block_again 'title' %}"
    child = "{% extends base %}{% block title %}Calls{% endblock %}"
    base = engines["django"].from_string(text)
    assert render(child, base=base) == "Calls|Calls"
    assert render("[{% block_again 'none' %}]") == "[]"


def test_every_reason_a_call_can_end_for_has_words():
    for reason in EndReason:
        assert reason.value in known_statuses()


def test_an_unknown_status_is_shown_as_its_words():
    look = status_look("out_of_office")
    assert (look.label, look.tone) == ("Out of office", Tone.NEUTRAL)
