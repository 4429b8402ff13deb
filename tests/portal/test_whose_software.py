"""With “Powered by” off, nothing a portal shows, sends or answers names whose software it is."""

from __future__ import annotations

import json
import re
import zlib
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from assistants.porting.exporting import exported
from assistants.porting.importing import imported, read_document
from calls.models import VoiceNode
from portal.mail.kinds import KINDS
from portal.mail.rendering import render_mail
from portal.models import Portal
from portal.scope import organization_scope
from portal.webhooks.signing import user_agent
from tests.api.conftest import ApiClient
from tests.portal.objects import make_objects
from tests.portal.test_translated_pages import AGENCY_PAGES, PAGES
from tests.world import House, browser

OURS = re.compile("porta.?voce", re.IGNORECASE)
FOR_STRANGERS = (
    *("/accounts/login/", "/accounts/password/reset/", "/accounts/login/code/"),
    *("/sign-up/", "/brand.css", "/brand/manifest.webmanifest", "/developers/"),
    *("/api/openapi.json", "/.well-known/security.txt", "/brand/favicon"),
    *("/no/such/page/", "/api/v1/no-such-thing", "/robots.txt", "/healthz"),
)
READ_BY_PEOPLE = ("*.js", "*.css", "*.svg", "*.html", "*.json")


@pytest.fixture
def unnamed(acme: House) -> Portal:
    portal = Portal.objects.get(pk=acme.portal.pk)
    portal.shows_powered_by, portal.sign_up = False, Portal.SignUp.OPEN
    portal.save()
    return portal


def told(answer: Any) -> list[str]:
    """Return where an answer names us: in its body or a header."""
    body = b"".join(answer) if answer.streaming else answer.content
    found = ["body"] if OURS.search(body.decode("utf-8", "replace")) else []
    return found + [
        name for name, value in answer.items() if OURS.search(f"{name}: {value}")
    ]


def test_it_is_said_where_the_agency_wants_it(acme: House):
    assert told(browser(acme).get("/accounts/login/")) == ["body"]


def test_strangers_read_nothing_of_us(acme: House, unnamed: Portal):
    client = browser(acme)
    assert {path: told(client.get(path)) for path in FOR_STRANGERS} == {
        path: [] for path in FOR_STRANGERS
    }


@pytest.mark.slow
def test_no_page_of_a_client_or_an_agency_names_us(
    acme: House, bakery: House, unnamed: Portal, node: VoiceNode
):
    objects = make_objects(bakery)
    dora = browser(bakery, bakery.people["dora"])
    alice = browser(acme, acme.people["alice"])
    seen = {}
    for client, names in ((dora, PAGES), (alice, AGENCY_PAGES)):
        for name in names:
            subject, _, rest = name.partition("_")
            is_one = rest in ("detail", "edit", "data", "price")
            key = f"{subject}_id"
            kwargs = {key: objects[key]} if is_one and key in objects else None
            if name in AGENCY_PAGES:
                kwargs = None
            answer = client.get(reverse(name, kwargs=kwargs))
            assert answer.status_code == 200, name
            seen[name] = told(answer)
    assert {name: where for name, where in seen.items() if where} == {}


def test_a_page_that_broke_names_nobody(acme: House, unnamed: Portal, rf: Any):
    from portal.views.errors import server_error

    request = rf.get("/", SERVER_NAME=acme.host)
    request.portal = unnamed
    assert told(server_error(request)) == []
    alice = Client(SERVER_NAME=acme.host)
    assert told(alice.post("/accounts/login/", {"login": "x"})) == []


@pytest.mark.parametrize("name", KINDS)
def test_no_mail_names_us(unnamed: Portal, name: str):
    for language in ("en", "nl", "de"):
        mail = render_mail(
            name, portal=unnamed, language=language, context=KINDS[name].sample
        )
        assert not OURS.search(mail.subject + mail.text + mail.html)


def test_no_paper_names_us(bakery: House, unnamed: Portal):
    answer = browser(bakery, bakery.people["dora"]).get(
        reverse("billing_statement_pdf")
    )
    data = b"".join(answer) if answer.streaming else answer.content
    assert data.startswith(b"%PDF")
    streams = re.findall(rb"stream\r?\n(.*?)endstream", data, re.DOTALL)
    texts = [data]
    for stream in streams:
        try:
            texts.append(zlib.decompress(stream.strip(b"\r\n")))
        except zlib.error:  # encoded in letters, or a picture
            texts.append(stream)
    assert not OURS.search(b" ".join(texts).decode("latin-1"))


def test_what_the_api_answers_names_nobody(bakery: House, unnamed: Portal):
    api = ApiClient(bakery)
    for path in ("/organizations", "/assistants", "/voices", "/nothing"):
        assert told(api.get(path)) == []
    document = json.loads(browser(bakery).get("/api/openapi.json").content)
    assert document["info"]["title"].startswith("Acme")
    assert user_agent(unnamed.name) == "Acme/1.0"


def test_a_file_taken_along_names_nobody_and_older_ones_are_read(bakery: House):
    with organization_scope(bakery.organization):
        document = exported(bakery.assistant)
        assert not OURS.search(json.dumps(document))
        for name in (document["format"], "portavoce.assistant"):
            text = json.dumps(document | {"format": name})
            assert imported(read_document(text)).spec.name == "Front desk"


def test_no_script_or_style_names_us():
    folder = Path(settings.BASE_DIR) / "static"
    named = [
        str(path.relative_to(folder))
        for pattern in READ_BY_PEOPLE
        for path in folder.rglob(pattern)
        if OURS.search(path.read_text("utf-8", "replace"))
    ]
    assert named == []
