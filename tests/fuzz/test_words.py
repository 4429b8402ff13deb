"""Words of one person on the pages of another: shown as words, on every page."""

from __future__ import annotations

import contextlib
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.db import DatabaseError, models, transaction
from django.test import Client
from django.urls import get_resolver, reverse

from assistants.models import Assistant
from calls.models import VoiceNode
from portal.models import Organization, Portal, User
from portal.scope import all_organizations
from tests.house.test_access import patterns
from tests.portal.objects import make_objects
from tests.portal.test_access_matrix import GET
from tests.portal.test_isolation import owned_models
from tests.world import House, browser

# One text that would act in each place a page has: text, attribute with either quote,
# script, style, comment, template, address, formula.
MARK = "zzq"
EVIL = (
    f"{MARK}</title></textarea></script></style>--><img src=x onerror={MARK}()>"
    f"<script>{MARK}()</script><svg/onload={MARK}()>\"'`onfocus={MARK}() "
    "{{7*7}}{%now%}${7*7}&lt;b&gt;"
)


class Page(HTMLParser):
    """What a page would run: scripts with our mark, handlers, addresses that act."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._is_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_script = tag == "script"
        for name, value in attrs:
            if MARK in name or (name.startswith("on") and MARK in (value or "")):
                self.found.append(f"<{tag} {name}>")
            if name in {"href", "src", "action"} and re.match(
                r"\s*(javascript|data:text)", value or "", re.IGNORECASE
            ):
                self.found.append(f"<{tag} {name}={value}>")
        if tag in {"img", "svg"} and any(n in {"onerror", "onload"} for n, _ in attrs):
            self.found.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self._is_script = False

    def handle_data(self, data: str) -> None:
        if self._is_script and MARK in data and f"<{MARK}" in data:
            self.found.append(f"script: {data[:60]}")


def poison(instance: models.Model) -> None:
    """Put the text into every free field of a row that takes it, past every form."""
    values: dict[str, Any] = {}
    for field in instance._meta.concrete_fields:
        if type(field) is models.TextField or (
            type(field) is models.CharField and not field.choices
        ):
            if field.unique or field.primary_key or not field.editable:
                continue
            length = field.max_length or len(EVIL)
            if field.name == "body":  # of a webhook: always JSON
                values["body"] = json.dumps({"said": EVIL})
            elif length >= 40 and not re.search(
                "digest|hash|color|font|slug|zone|recording$|url|carrier|language|model",
                field.name,
            ):
                values[field.name] = EVIL[:length]
    for name, value in values.items():
        # Some tables only grow, and some texts have a form of their own.
        with contextlib.suppress(DatabaseError), transaction.atomic():
            type(instance)._base_manager.filter(pk=instance.pk).update(**{name: value})


@pytest.fixture
def poisoned(acme: House, bakery: House, node: VoiceNode) -> dict[str, Any]:
    objects = make_objects(bakery)
    with all_organizations("test"):
        for model in [*owned_models(), Assistant]:
            for row in model._base_manager.all():
                poison(row)
        for house in (acme, bakery):
            Organization.objects.filter(pk=house.organization.pk).update(
                name=EVIL[:100]
            )
        Portal.objects.filter(pk=acme.portal.pk).update(
            name=EVIL[:60], support_email='"<script>"@acme.example'
        )
        User.objects.filter(pk=acme.people["alice"].pk).update(name=EVIL[:100])
    return objects


def address(name: str, objects: dict[str, Any]) -> str | None:
    entry = next(
        (e for _p, e in patterns(get_resolver("config.urls")) if e.name == name), None
    )
    if entry is None or entry.pattern.regex.groups > len(entry.pattern.converters):
        return None
    if set(entry.pattern.converters) - set(objects):
        return None
    return reverse(name, kwargs={k: objects[k] for k in entry.pattern.converters})


@pytest.mark.slow
def test_no_page_runs_what_somebody_wrote(
    acme: House, bakery: House, poisoned: dict[str, Any]
) -> None:
    readers: list[Client] = [
        browser(bakery, bakery.people["dora"]),
        browser(acme, acme.people["alice"]),
        browser(acme),
    ]
    shown = tried = 0
    for name in GET:
        path = address(name, poisoned)
        if path is None:
            continue
        for reader in readers:
            answer = reader.get(path)
            assert answer.status_code < 500, (name, answer.status_code)
            if answer.streaming or "html" not in answer.get("Content-Type", ""):
                continue
            text = answer.content.decode()
            page = Page()
            page.feed(text)
            assert not page.found, (name, page.found)
            assert "<script>zzq" not in text, name
            assert "<img src=x" not in text, name
            assert f"{MARK}</title>" not in text, name
            tried += 1
            shown += MARK in text
    assert tried > 100
    assert shown > 60
