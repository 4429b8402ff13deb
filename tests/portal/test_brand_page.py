"""The brand page: what is saved shows everywhere, and nothing typed becomes markup."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from portal.brand_form import BrandForm
from portal.models import Portal, User
from tests.world import House, browser

EVIL = '"><script>alert(1)</script>'


def filled(portal: Portal, **changes: Any) -> dict[str, Any]:
    form = BrandForm(instance=portal)
    values = {
        name: form.get_initial_for_field(field, name)
        for name, field in form.fields.items()
    }
    return {k: v for k, v in (values | changes).items() if v not in (None, False)}


def save(acme: House, **changes: Any):
    client = browser(acme, acme.people["alice"])
    return client.post(reverse("brand_edit"), filled(acme.portal, **changes))


def test_words_of_the_agency_stand_in_the_menu(acme: House, bakery: House):
    answer = save(acme, credits_word="minutes", assistants_word="agents")
    assert answer.status_code == 302
    html = browser(bakery, bakery.people["dora"]).get("/").content.decode()
    assert "<span>Minutes</span>" in html
    assert "<span>Agents</span>" in html


def test_own_pages_stand_in_the_menu_and_are_framed(acme: House, bakery: House):
    save(
        acme,
        menu_0_label="Handbook",
        menu_0_url="https://help.acme.example/start",
        menu_0_is_framed="on",
        menu_1_label="Shop",
        menu_1_url="https://shop.acme.example/",
    )
    dora = browser(bakery, bakery.people["dora"])
    html = dora.get("/").content.decode()
    assert 'href="https://shop.acme.example/"' in html
    [entry, _shop] = Portal.objects.get(pk=acme.portal.pk).menu_entries
    page = dora.get(reverse("menu_page", args=[entry["key"]]))
    assert page.status_code == 200
    assert 'src="https://help.acme.example/start"' in page.content.decode()
    policy = page["Content-Security-Policy"]
    assert "frame-src https://help.acme.example" in policy
    assert "frame-src" not in dora.get("/")["Content-Security-Policy"]
    assert (
        browser(acme).get(reverse("menu_page", args=[entry["key"]])).status_code == 302
    )


@pytest.mark.parametrize(
    "url", ["http://plain.example", "javascript:alert(1)", "//x.example", "x", EVIL]
)
def test_a_menu_address_that_is_not_https_is_refused(acme: House, url: str):
    answer = save(acme, menu_0_label="X", menu_0_url=url)
    assert answer.status_code == 422
    assert Portal.objects.get(pk=acme.portal.pk).menu_entries == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("primary_color", "red;}body{display:none"),
        ("accent_color", "url(https://evil.example)"),
        ("radius", "99px"),
        ("font", "Comic Sans"),
        ("support_url", "javascript:alert(1)"),
        ("terms_url", "data:text/html,x"),
        ("neutral_hue_deg", "1e9"),
    ],
)
def test_nothing_but_what_is_asked_for_is_saved(acme: House, field: str, value: str):
    before = Portal.objects.filter(pk=acme.portal.pk).values().get()
    assert save(acme, **{field: value}).status_code == 422
    assert Portal.objects.filter(pk=acme.portal.pk).values().get() == before


def test_markup_in_a_brand_field_is_shown_as_text(acme: House):
    fields = ("name", "legal_name", "welcome_text", "page_title", "description")
    save(acme, **dict.fromkeys(fields, EVIL))
    visitor = browser(acme)
    pages = [
        visitor.get(reverse("account_login")),
        visitor.get(reverse("brand_logo", args=["light"])),
        visitor.get(reverse("brand_css")),
        visitor.get("/nowhere/"),
    ]
    for page in pages:
        assert b"<script>alert" not in page.content


def test_a_visitor_reads_the_portals_language_until_they_choose(acme: House):
    save(acme, language="de")
    visitor = browser(acme)
    assert '<html lang="de"' in visitor.get("/accounts/login/").content.decode()
    visitor.post(reverse("set_language"), {"language": "nl", "next": "/"})
    assert '<html lang="nl"' in visitor.get("/accounts/login/").content.decode()
    visitor.post(reverse("set_language"), {"language": "xx", "next": "/"})
    assert '<html lang="nl"' in visitor.get("/accounts/login/").content.decode()


def test_a_person_reads_their_own_language_everywhere(acme: House):
    alice = acme.people["alice"]
    client = browser(acme, alice)
    client.post(reverse("set_language"), {"language": "de", "next": "/"})
    assert User.objects.get(pk=alice.pk).language == "de"
    client.cookies.pop("language")
    answer = client.get("/")
    assert answer["Content-Language"] == "de"


def test_a_page_that_broke_still_wears_the_brand(acme: House, rf):
    from portal.views.errors import server_error

    request = rf.get("/")
    request.portal = acme.portal
    html = server_error(request).content.decode()
    assert acme.portal.name in html
    assert "brand.css?v=" in html
    assert "Acme" not in server_error(rf.get("/")).content.decode()


def test_link_previews_show_the_brand(acme: House):
    save(acme, page_title="Acme answers", description="Phones, answered.")
    html = browser(acme).get(reverse("account_login")).content.decode()
    assert '<meta property="og:title" content="Acme answers">' in html
    assert '<meta property="og:description" content="Phones, answered.">' in html
    assert "Powered by" in html


def test_powered_by_can_be_switched_off(acme: House):
    save(acme, shows_powered_by=False)
    for path in ("/accounts/login/", "/nowhere/"):
        assert b"Portavoce" not in browser(acme).get(path).content
