"""A page asks for no brand while its portal is remembered, and never for another's."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.db import connection

from portal import host_cache
from portal.hosts import UnknownHost, find_portal
from portal.models import Portal
from portal.services.organizations import open_agency
from tests.world import House, browser


@pytest.fixture(autouse=True)
def memory(settings):
    cache.clear()
    settings.PORTAL_CACHE_S = 60
    yield
    cache.clear()


def test_a_sign_in_page_asks_the_database_nothing(
    acme: House, django_assert_num_queries
):
    visitor = browser(acme)
    visitor.get("/accounts/login/")
    with django_assert_num_queries(0):
        answer = visitor.get("/accounts/login/")
        visitor.get("/brand.css")
    assert acme.portal.name in answer.content.decode()


def test_a_change_of_the_brand_is_seen_at_once(acme: House):
    browser(acme).get("/accounts/login/")
    portal = Portal.objects.get(pk=acme.portal.pk)
    portal.name = "Renamed"
    portal.save()
    assert "Renamed" in browser(acme).get("/accounts/login/").content.decode()


def test_a_change_by_another_process_is_seen_when_the_count_is_asked_for(
    acme: House, monkeypatch: pytest.MonkeyPatch
):
    browser(acme).get("/accounts/login/")
    # As another process does it: this one's memory knows nothing of it.
    Portal.objects.filter(pk=acme.portal.pk).update(name="Renamed")
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('portal_changes')")
    assert "Renamed" not in browser(acme).get("/accounts/login/").content.decode()
    monkeypatch.setattr(host_cache._changes, "asked_s", float("-inf"))
    assert "Renamed" in browser(acme).get("/accounts/login/").content.decode()


def test_one_count_serves_all_portals(
    acme: House, globex: House, django_assert_num_queries, monkeypatch
):
    for house in (acme, globex):
        browser(house).get("/accounts/login/")
    monkeypatch.setattr(host_cache._changes, "asked_s", float("-inf"))
    with django_assert_num_queries(1):
        for house in (acme, globex):
            browser(house).get("/accounts/login/")


def test_two_portals_are_never_mixed_up(acme: House, globex: House):
    for _round in range(3):
        for house, other in ((acme, globex), (globex, acme)):
            answer = browser(house).get("/accounts/login/")
            html = answer.content.decode()
            assert house.portal.name in html
            assert other.portal.name not in html


@pytest.mark.parametrize(
    "shape", ["ACME.localhost", "acme.localhost:8000", "acme.localhost."]
)
def test_one_portal_has_one_entry(acme: House, shape: str):
    assert find_portal(shape).pk == acme.portal.pk


def test_an_unknown_host_is_not_remembered(db: None):
    with pytest.raises(UnknownHost):
        find_portal("latecomer.localhost")
    portal = open_agency(name="Late", slug="latecomer", actor=None)
    assert find_portal("latecomer.localhost").pk == portal.pk


def test_a_page_of_a_portal_is_kept_by_nobody_for_another(acme: House):
    visitor = browser(acme)
    page = visitor.get("/accounts/login/")
    assert "no-store" in page.get("Cache-Control", "") or "no-cache" in page.get(
        "Cache-Control", ""
    )
    for path in ("/brand.css", "/brand/logo-light", "/brand/manifest.webmanifest"):
        assert "Host" in visitor.get(path)["Vary"]
