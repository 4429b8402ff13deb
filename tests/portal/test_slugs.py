"""Slugs: kept back, look-alike and encoded ones are refused, and nobody is told whose."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from portal.models import Portal
from portal.services.organizations import open_agency
from tests.world import House


@pytest.mark.parametrize(
    "slug",
    [
        "www",
        "api",
        "admin",
        "ops",
        "support",
        "supp0rt",
        "l0gin",
        "b1lling",
        "xn--80ak6aa92e",
        "a--b",
        "-acme",
        "acme-",
        "ACME",
        "acme.evil",
        "acme\n",
        "ac",
        "a" * 41,
        "ácme",
        "acme_",
        "",
    ],
)
def test_a_slug_that_misleads_is_refused(db: None, slug: str):
    with pytest.raises(ValidationError):
        open_agency(name="New", slug=slug, actor=None)
    assert not Portal.objects.exists()


@pytest.mark.parametrize("slug", ["acme", "a-cme", "ac-me"])
def test_a_slug_that_looks_like_anothers_is_refused(acme: House, slug: str):
    with pytest.raises(ValidationError):
        open_agency(name="New", slug=slug, actor=None)
    assert Portal.objects.count() == 1


def test_lookalikes_by_shape(db: None):
    open_agency(name="Modern Lines", slug="modern-lines", actor=None)
    for slug in ("rnodern-lines", "modern-1ines", "modem-lines", "modernlines"):
        with pytest.raises(ValidationError):
            open_agency(name="New", slug=slug, actor=None)
    open_agency(name="Other", slug="modern-times", actor=None)
