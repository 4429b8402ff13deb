"""What holds is the stricter of an organization's choices and its agency's."""

import pytest
from django.urls import reverse

from common.redaction import Category
from portal.models import AuditRecord, PrivacySettings
from portal.policy import Policy, RegionRule
from portal.scope import organization_scope
from portal.services.privacy import PolicyRefused, policy_of, save_privacy
from tests.world import browser


def choose(house, **choices):
    with organization_scope(house.organization):
        return save_privacy(organization=house.organization, actor=None, **choices)


def held(house):
    with organization_scope(house.organization):
        return policy_of(house.organization)


def test_stricter_keeps_both():
    one = Policy(RegionRule.EU, 90, 730, redacted=frozenset({Category.EMAIL}))
    other = Policy(
        RegionRule.OWN,
        365,
        365,
        gdpr_mode=True,
        redacted=frozenset({Category.PAYMENT_CARD}),
        is_on_hold=True,
    )
    both = one.stricter(other)
    assert both == other.stricter(one)
    assert both == Policy(
        RegionRule.OWN,
        90,
        365,
        gdpr_mode=True,
        redacted=frozenset({Category.EMAIL, Category.PAYMENT_CARD}),
        is_on_hold=True,
    )


@pytest.mark.parametrize(
    ("rule", "allowed"),
    [("anywhere", "own eu non_eu"), ("eu", "own eu"), ("own", "own")],
)
def test_a_rule_allows_these_regions(rule, allowed):
    regions = ["own", "eu", "non_eu", "somewhere"]
    assert [r for r in regions if RegionRule(rule).allows(r)] == allowed.split()


def test_without_choices_nothing_is_restricted(bakery):
    assert held(bakery) == Policy()


def test_an_agency_that_tightens_its_bounds_tightens_its_clients(acme, bakery, garage):
    choose(bakery, content_retention_days=180)
    choose(acme, regions="eu", content_retention_days=30, gdpr_mode=True)
    assert held(bakery).content_days == 30
    assert held(bakery).regions is RegionRule.EU
    assert held(bakery).gdpr_mode
    assert held(garage) == Policy()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("regions", "anywhere"),
        ("content_retention_days", 365),
        ("gdpr_mode", False),
        ("redacted_categories", []),
    ],
)
def test_a_client_cannot_be_looser_than_its_agency(acme, bakery, field, value):
    choose(
        acme,
        regions="eu",
        content_retention_days=90,
        gdpr_mode=True,
        redacted_categories=["email"],
    )
    with pytest.raises(PolicyRefused) as refused:
        choose(bakery, **{field: value})
    assert refused.value.field == field
    with organization_scope(bakery.organization):
        assert not PrivacySettings.objects.exists()
        assert not AuditRecord.objects.filter(action="privacy.changed").exists()


@pytest.mark.parametrize(
    ("field", "choices"),
    [
        ("content_retention_days", {"content_retention_days": 31}),
        ("metadata_retention_days", {"metadata_retention_days": 0}),
        (
            "content_retention_days",
            {"content_retention_days": 180, "metadata_retention_days": 90},
        ),
        ("redacted_categories", {"redacted_categories": ["names"]}),
        ("redacted_categories", {"redacted_categories": "email"}),
        ("regions", {"regions": "moon"}),
    ],
)
def test_what_cannot_be_is_refused_with_its_field(bakery, field, choices):
    with pytest.raises(PolicyRefused) as refused:
        choose(bakery, **choices)
    assert refused.value.field == field
    assert held(bakery) == Policy()


def test_a_change_is_written_down_with_old_and_new(bakery):
    choose(bakery, regions="own", seals_content=False)
    with organization_scope(bakery.organization):
        (record,) = AuditRecord.objects.filter(action="privacy.changed")
    assert record.changes == {"regions": ["anywhere", "own"]}


def test_an_agencys_hold_holds_for_its_clients(acme, bakery):
    choose(acme, legal_hold_reason="Case 12")
    assert held(bakery).is_on_hold
    choose(bakery, legal_hold_reason="")
    assert held(bakery).is_on_hold


# -- the page -----------------------------------------------------------------------

CHOICES = {
    "regions": "eu",
    "content_retention_days": "90",
    "metadata_retention_days": "365",
    "redacted_categories": ["email", "payment_card"],
    "discloses_ai": "on",
}


def test_an_owner_saves_what_the_page_offers(bakery):
    owner = browser(bakery, bakery.people["dora"])
    assert owner.post(reverse("privacy_edit"), CHOICES).status_code == 302
    policy = held(bakery)
    assert (policy.regions, policy.content_days) == (RegionRule.EU, 90)
    assert policy.redacted == {Category.EMAIL, Category.PAYMENT_CARD}
    assert policy.discloses_ai


def test_a_viewer_reads_the_page_and_cannot_save(bakery):
    viewer = browser(bakery, bakery.people["bob"])
    page = viewer.get(reverse("privacy_edit"))
    assert page.status_code == 200
    assert b'type="submit">Save' not in page.content
    assert viewer.post(reverse("privacy_edit"), CHOICES).status_code == 403
    assert held(bakery) == Policy()


def test_the_page_says_which_field_the_agency_bounds(acme, bakery):
    choose(acme, content_retention_days=30, metadata_retention_days=30)
    owner = browser(bakery, bakery.people["dora"])
    answer = owner.post(reverse("privacy_edit"), CHOICES)
    assert answer.status_code == 422
    assert "content_retention_days" in answer.context["form"].errors
