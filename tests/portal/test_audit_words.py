"""Every change that is recorded has words for people, in their language."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.urls import reverse
from django.utils import translation

from portal.audit_words import ACTIONS, FIELDS, words_of_action, words_of_field
from portal.models import User
from tests.world import House, browser

APPS = ("portal", "assistants", "billing", "calls", "campaigns", "config")


def recorded() -> Iterator[str]:
    """Give every action that code names where it records a change."""
    for app in APPS:
        for path in (Path(settings.BASE_DIR) / app).rglob("*.py"):
            text = path.read_text("utf-8")
            if "audit" not in text:
                continue
            for call in ast.walk(ast.parse(text)):
                if not isinstance(call, ast.Call):
                    continue
                for keyword in call.keywords:
                    if keyword.arg == "action":
                        yield from texts(keyword.value)


def texts(value: ast.expr) -> Iterator[str]:
    if isinstance(value, ast.Constant) and "." in str(value.value):
        yield str(value.value)
    if isinstance(value, ast.IfExp):
        yield from texts(value.body)
        yield from texts(value.orelse)


def test_every_action_has_words():
    named = set(recorded())
    assert len(named) > 50
    assert named - set(ACTIONS) == set()


def test_words_differ_and_are_translated():
    assert len({str(words) for words in ACTIONS.values()}) == len(ACTIONS)
    for language in ("nl", "de"):
        english = {name: str(words) for name, words in ACTIONS.items()}
        with translation.override(language):
            same = {n for n, words in ACTIONS.items() if str(words) == english[n]}
        assert same == set()


def test_what_has_no_words_is_shown_plainly():
    assert words_of_action("moon.landed_on") == "Moon landed on"
    assert words_of_field("far_side") == "far side"
    assert "name" in FIELDS


def test_the_log_speaks_the_readers_language(bakery: House):
    User.objects.update(language="nl")
    page = browser(bakery, bakery.people["dora"]).get(reverse("audit_list"))
    html = page.content.decode()
    assert "Assistent gemaakt" in html
    assert "naam: Front desk" in html
