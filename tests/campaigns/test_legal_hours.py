"""Where a person is, and the hours the law sets there."""

from __future__ import annotations

from datetime import UTC, datetime

import phonenumbers
import pytest

from campaigns.legal import LegalRule, LegalTable, shipped_rules
from campaigns.locality import Locality, ZoneSource, known_zones, locality_of
from common.windows import Week, every_day, is_open, next_open

TABLE = LegalTable.of(shipped_rules())


def place(text: str, **given: str) -> Locality:
    number = phonenumbers.parse(text)
    return locality_of(
        number,
        country=phonenumbers.region_code_for_number(number) or "",
        kind=phonenumbers.number_type(number),
        **given,
    )


@pytest.mark.parametrize(
    ("number", "region", "zones"),
    [
        ("+31612345678", "NL", ("Europe/Amsterdam",)),
        ("+13055551234", "US-FL", ("America/New_York",)),
        ("+12145551234", "US-TX", ("America/Chicago",)),
        ("+14165551234", "CA-ON", ("America/Toronto",)),
        ("+12423271234", "BS", ("America/Nassau",)),
    ],
)
def test_a_number_says_where_its_owner_is(
    number: str, region: str, zones: tuple[str, ...]
) -> None:
    found = place(number)
    assert (found.region, found.zones, found.source) == (region, zones, "number")


def test_a_number_of_many_zones_keeps_all_of_them() -> None:
    mobile = place("+447911123456")
    assert set(mobile.zones) >= {"Europe/London", "Europe/Guernsey"}
    toll_free = place("+18005551234")
    assert len(toll_free.zones) > 20
    assert [zone.key for zone in mobile.zone_infos] == list(mobile.zones)


def test_what_is_given_goes_before_what_the_number_says() -> None:
    found = place("+13055551234", zone="America/Los_Angeles", state="ca")
    assert found == Locality("US", "CA", ("America/Los_Angeles",), ZoneSource.GIVEN)


def test_a_number_of_nowhere_has_no_zone() -> None:
    satellite = place("+870773111632")
    assert (satellite.zones, satellite.source) == ((), ZoneSource.UNKNOWN)
    number = phonenumbers.PhoneNumber(country_code=999, national_number=1)
    assert locality_of(number, country="").zones == ()
    assert "Europe/Amsterdam" in known_zones()


def test_a_state_and_its_country_hold_together() -> None:
    florida = TABLE.limits_at("US", "FL")
    assert florida.hours.week == every_day(8 * 60, 20 * 60)
    assert (florida.max_a_day, florida.needs_consent) == (3, True)
    assert TABLE.limits_at("US", "ID").hours.week == every_day(8 * 60, 21 * 60)


def test_of_an_unknown_state_the_strictest_hours_count() -> None:
    nowhere = TABLE.limits_at("US", "")
    assert nowhere.hours.week.as_json() == {
        day: [["10:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")
    } | {"sat": [["10:00", "17:00"]]}
    assert nowhere.max_a_day == 3
    assert "US-RI" in nowhere.hours.holidays


def test_a_country_without_a_rule_gets_the_cautious_default() -> None:
    limits = TABLE.limits_at("JP", "")
    assert limits.regions == ("*",)
    assert limits.hours.holidays == {"JP"}
    assert TABLE.limits_at("", "").hours.holidays == frozenset()


def test_france_rests_at_noon() -> None:
    hours = TABLE.limits_at("FR", "").hours
    (paris,) = place("+33123456789").zone_infos
    noon = datetime(2026, 11, 26, 12, 30, tzinfo=UTC)  # 13:30 in Paris
    assert not is_open(hours, paris, noon)
    found = next_open([(hours, paris)], noon)
    assert found is not None
    assert found[0] == datetime(2026, 11, 26, 13, tzinfo=UTC)
    armistice = datetime(2026, 11, 11, 10, tzinfo=UTC)
    assert not is_open(hours, paris, armistice)


def test_the_operators_rows_go_before_the_shipped_ones_and_change_the_version() -> None:
    own = LegalRule("NL", Week.parse({"mon": ["10:00-11:00"]}), source="Ours")
    table = LegalTable.of(shipped_rules(), [own])
    assert table.limits_at("NL", "").hours.week.as_json() == {
        "mon": [["10:00", "11:00"]]
    }
    assert table.version != TABLE.version
    assert LegalTable.of(shipped_rules()).version == TABLE.version


def test_every_shipped_rule_names_its_source_and_opens_at_some_time() -> None:
    regions = [rule.region for rule in shipped_rules()]
    assert len(set(regions)) == len(regions)
    for rule in shipped_rules():
        assert rule.source
        assert rule.week.minutes
