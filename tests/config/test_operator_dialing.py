"""The operator's screens about calling: legal hours, pace and shares, never call."""

from __future__ import annotations

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from calls.models import PhoneNumber, TrunkPace
from calls.services.pace import line_of
from campaigns import registers
from campaigns.asking import registers_of
from campaigns.legal import LegalTable
from campaigns.models import (
    CallingLimits,
    Lead,
    LegalHours,
    LegalVersion,
    SuppressionEntry,
)
from campaigns.places import legal_table
from campaigns.registers import take_register
from campaigns.suppressing import suppressed_among
from portal.models import User
from portal.scope import all_organizations, organization_scope
from tests.campaigns.builders import make_campaign
from tests.config.test_operator_console import address, visitor
from tests.world import House

pytestmark = pytest.mark.django_db
RULE = {
    "country": "nl",
    "mon": "10:00-12:00, 13:00-17:00",
    "tue": "10:00-17:00",
    "is_closed_on_holidays": "on",
    "max_a_day": "2",
    "source": "Our lawyer, 3 May",
}


@pytest.fixture
def staff(olga: User) -> Client:
    return visitor(olga)


def test_a_rule_is_changed_taken_back_and_every_version_can_be_read(
    staff: Client, olga: User
) -> None:
    shipped = legal_table()
    assert "47 CFR" in staff.get(address("admin:legal_hours")).content.decode()
    dutch = staff.get(
        address("admin:legal_hours"), headers={"accept-language": "nl"}
    ).content.decode()
    assert "UWG, section 7: toestemming. De uren zijn gebruik." in dutch
    answer = staff.post(address("admin:legal_rule_new"), RULE)
    assert answer["Location"] == address("admin:legal_rule", "NL")
    row = LegalHours.objects.get()
    assert row.hours == {
        "mon": [["10:00", "12:00"], ["13:00", "17:00"]],
        "tue": [["10:00", "17:00"]],
    }
    assert (row.max_a_day, row.needs_consent) == (2, False)
    changed = legal_table()
    assert changed.version != shipped.version
    assert changed.limits_at("NL", "").max_a_day == 2
    first = LegalVersion.objects.get(pk=shipped.version)
    second = LegalVersion.objects.get(pk=changed.version)
    assert LegalTable.from_json(first.rules).version == shipped.version
    assert LegalTable.from_json(second.rules).version == changed.version
    assert (second.changed, second.created_by) == ("new NL", olga)
    text = staff.get(address("admin:legal_version", second.version)).content.decode()
    assert "Our lawyer, 3 May" in text
    assert "New rule for NL" in text
    form = staff.get(address("admin:legal_rule", "NL")).context["form"]
    assert form["mon"].value() == "10:00-12:00, 13:00-17:00"
    staff.post(address("admin:legal_rule_drop", "NL"))
    assert legal_table().version == shipped.version
    assert not LegalHours.objects.exists()
    assert staff.post(address("admin:legal_rule_drop", "NL")).status_code == 404


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"country": "Holland"}, "country"),
        ({"country": "*", "state": "FL"}, "state"),
        ({"mon": "9 to 5"}, "mon"),
        ({"mon": "", "tue": ""}, "mon"),
        ({"max_a_day": "-1"}, "max_a_day"),
        ({"source": ""}, "source"),
    ],
)
def test_a_rule_that_makes_no_sense_is_named_and_not_kept(
    staff: Client, values: dict[str, str], field: str
) -> None:
    answer = staff.post(address("admin:legal_rule_new"), RULE | values)
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert not LegalHours.objects.exists()
    assert not LegalVersion.objects.exists()


def test_a_place_without_a_rule_has_no_page(staff: Client) -> None:
    assert staff.get(address("admin:legal_rule", "XX")).status_code == 404
    assert staff.get(address("admin:legal_version", "none")).status_code == 404


def test_a_pace_that_is_set_holds_for_the_next_call(
    staff: Client, bakery: House
) -> None:
    page = staff.get(address("admin:dialing"))
    assert "simulator" in page.content.decode()
    path = address("admin:pace", "simulator")
    bad = staff.post(path, {"starts_per_s": "0", "reserved_percent": "91"})
    assert set(bad.context["form"].errors) == {"starts_per_s", "reserved_percent"}
    assert not TrunkPace.objects.filter(starts_per_s__isnull=False).exists()
    staff.post(path, {"starts_per_s": "3", "max_calls": "7", "reserved_percent": "10"})
    with organization_scope(bakery.organization):
        line = line_of(PhoneNumber.objects.get(pk=bakery.number.pk))
    assert (line.rate.per_s, line.max_calls, line.reserved_percent) == (3, 7, 10)
    assert staff.get(address("admin:pace", "none")).status_code == 404


def test_a_share_is_set_for_an_organization(
    staff: Client, acme: House, bakery: House
) -> None:
    make_campaign(bakery)
    assert "Bakery" in staff.get(address("admin:dialing")).content.decode()
    path = address("admin:share", bakery.organization.pk)
    assert "max_calls_of_clients" not in staff.get(path).context["form"].fields
    bad = staff.post(path, {"weight": "0", "reserved_percent": "20"})
    assert list(bad.context["form"].errors) == ["weight"]
    staff.post(path, {"weight": "5", "reserved_percent": "0", "person_max_a_day": "2"})
    with organization_scope(bakery.organization):
        row = CallingLimits.objects.get()
    assert (row.weight, row.reserved_percent, row.person_max_a_day) == (5, 0, 2)


def test_numbers_nobody_calls_are_added_found_and_removed(
    staff: Client, bakery: House
) -> None:
    make_campaign(bakery, leads=2)
    path = address("admin:never_call")
    bad = staff.post(path, {"numbers": "+31610000011\n12", "reason": "x"})
    assert "Line 2" in bad.context["form"].errors["numbers"][0]
    nothing = staff.post(path, {"reason": "x"})
    assert list(nothing.context["form"].errors) == ["numbers"]
    with all_organizations("a test looks at every list"):
        assert not SuppressionEntry.objects.exists()
    file = SimpleUploadedFile("dnc.csv", b"Phone\n0610000011\nnone\n+31612345670\n")
    staff.post(path, {"file": file, "region": "NL", "reason": "Register of 3 May"})
    with organization_scope(bakery.organization):
        lead = Lead.objects.get(phone_number="+31610000011")
    assert (lead.status, lead.skip_reason) == ("skipped", "suppressed")
    page = staff.get(path, {"q": "0610 000011"})
    (entry,) = page.context["page"].object_list
    assert (entry.source, entry.reason) == ("registry", "Register of 3 May")
    assert "line 3 is the first" in page.content.decode()
    staff.post(address("admin:never_call_remove", entry.pk))
    with all_organizations("a test looks at every list"):
        left = SuppressionEntry.objects.get()
    assert left.phone_number == "+31612345670"
    broken = SimpleUploadedFile("dnc.xlsx", b"PK\x03\x04broken")
    answer = staff.post(path, {"file": broken, "reason": "x"})
    assert "file" in answer.context["form"].errors


def test_a_register_is_taken_in_batches_and_again_without_harm(
    bakery: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registers, "BATCH", 20)
    lines = [f"+3161234{n:04d}" for n in range(70)]
    data = "\n".join(["number", *lines]).encode()

    def take() -> tuple[int, int, int]:
        taken = take_register(
            file=io.BytesIO(data),
            region="",
            reason="Register",
            organization=None,
            actor=None,
        )
        return taken.added, taken.already, taken.unusable

    assert take() == (70, 0, 0)
    assert take() == (0, 70, 0)
    found = suppressed_among(lines[:3], organization=bakery.organization)
    assert {entry.level for entry in found.values()} == {"operator"}


def test_a_register_of_the_operator_is_entered_and_holds_for_everybody(
    staff: Client, bakery: House
) -> None:
    path = address("admin:register_new")
    bad = staff.post(path, {"name": "TPS", "url": "ftp://x", "fresh_for_h": "24"})
    assert list(bad.context["form"].errors) == ["url"]
    body = {"name": "TPS", "url": "https://example.com/check", "fresh_for_h": "24"}
    made = staff.post(path, body)
    with organization_scope(bakery.organization):
        (register,) = registers_of(bakery.organization)
    assert register.level == "operator"
    assert made["Location"] == address("admin:register", register.pk)
    assert "TPS" in staff.get(address("admin:never_call")).content.decode()
    staff.post(made["Location"], body | {"countries": "GB"})
    (register,) = registers_of(bakery.organization)
    assert register.countries == ["GB"]
    staff.post(address("admin:register_remove", register.pk))
    assert registers_of(bakery.organization) == []
    assert staff.get(made["Location"]).status_code == 404
