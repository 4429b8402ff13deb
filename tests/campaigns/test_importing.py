"""Leads read from pasted text and files: exact rows, exact errors, never a crash."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given, strategies as st

from campaigns.importing import (
    MAX_ERRORS,
    MAX_LEADS,
    LeadRow,
    UnusableNumber,
    decode,
    read_leads,
    region_of,
    to_e164,
)

TABLE = """Phone;Name;First name;Order no.
06 12345678;Jan J;Jan;1001
+31 20 123 45 01;;Piet;1002

0031 (0)20-1234502;Anna;Anna;1003
0612345678;Jan again;Jan;1004
nobody;Joe;Joe;1005
;No number;;
"""


def test_a_table_gives_rows_variables_errors_and_duplicates() -> None:
    found = read_leads(TABLE, region="NL")
    assert found.rows == (
        LeadRow("+31612345678", "Jan J", {"first_name": "Jan", "order_no": "1001"}),
        LeadRow("+31201234501", "", {"first_name": "Piet", "order_no": "1002"}),
        LeadRow("+31201234502", "Anna", {"first_name": "Anna", "order_no": "1003"}),
    )
    assert [(e.line, e.value) for e in found.errors] == [(7, "nobody"), (8, "")]
    assert found.errors[0].message == "This is not a telephone number."
    assert found.errors[1].message == "The number is missing."
    assert (found.error_count, found.duplicate_count) == (2, 1)
    assert found.columns == ("first_name", "order_no")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_any_usual_delimiter_is_understood(delimiter: str) -> None:
    text = (
        delimiter.join(["name", "mobile"])
        + "\n"
        + delimiter.join(["Ada", "0612345678"])
    )
    assert read_leads(text, region="NL").rows == (LeadRow("+31612345678", "Ada"),)


def test_a_plain_list_needs_no_heading() -> None:
    found = read_leads("+31612345678\r\n+31612345679, Ada\r+31612345670\n", region="")
    assert [(r.phone_number, r.name) for r in found.rows] == [
        ("+31612345678", ""),
        ("+31612345679", "Ada"),
        ("+31612345670", ""),
    ]


def test_quoted_cells_may_hold_the_delimiter() -> None:
    found = read_leads('phone,name\n"+31612345678","Jansen, Jan"', region="")
    assert found.rows == (LeadRow("+31612345678", "Jansen, Jan"),)


def test_a_cell_over_two_lines_keeps_them_apart() -> None:
    found = read_leads('phone,street\n+31612345678,"Wall 1\r\nDelft"', region="")
    assert found.rows[0].variables == {"street": "Wall 1\nDelft"}


@pytest.mark.parametrize("behind", [3, 300])
def test_a_mark_nobody_closed_takes_nobody_else_with_it(behind: int) -> None:
    others = [f'+3161234{n:04d};"P {n}"' for n in range(behind)]
    text = "\n".join(["phone;name", '+31612345678;"Jan', *others])
    found = read_leads(text, region="")
    assert len(found.rows) == behind + 1
    assert found.rows[0].name == "Jan"
    assert found.error_count == 0


def test_columns_are_found_by_what_they_hold_where_no_name_says_it() -> None:
    text = "Klant;Tel. privé;Geboren\nJan;06-12345678;1980-01-02\nAn;0612345679;"
    found = read_leads(text, region="NL")
    assert [row.phone_number for row in found.rows] == ["+31612345678", "+31612345679"]
    assert found.rows[0].variables == {"geboren": "1980-01-02"}
    bare = read_leads("Jan;0612345678\nAn;0612345679", region="NL")
    assert [row.name for row in bare.rows] == ["Jan", "An"]


def test_columns_of_one_name_are_all_kept() -> None:
    found = read_leads("phone,note,Note,note\n+31612345678,a,b,c", region="")
    assert found.rows[0].variables == {"note": "a", "note_2": "b", "note_3": "c"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0612345678", "country code"),
        ("3.16E+10", "Format the column as text"),
        ("3,16123E+10", "Format the column as text"),
        ("+31 20 123", "No such number"),
        ("0900 1234", "Premium|country code"),
        ("+31 20 123 4567 ext. 5", "extension"),
        ("hello", "not a telephone number"),
        ("112", "country code|No such number"),
    ],
)
def test_a_number_that_cannot_be_called_says_why(text: str, message: str) -> None:
    with pytest.raises(UnusableNumber, match=message):
        to_e164(text, "")


def test_premium_rate_numbers_are_not_called() -> None:
    with pytest.raises(UnusableNumber, match="Premium"):
        to_e164("0900 1234", "NL")


def test_the_region_comes_from_the_number_that_calls() -> None:
    assert region_of("+31201234502") == "NL"
    assert region_of("nonsense") == ""


@pytest.mark.parametrize(
    "data",
    [
        "phone,name\n+31612345678,Zoë".encode(),
        "phone,name\n+31612345678,Zoë".encode("utf-8-sig"),
        "phone,name\n+31612345678,Zoë".encode("utf-16"),
        "phone,name\n+31612345678,Zoë".encode("cp1252"),
    ],
)
def test_files_of_the_usual_spreadsheets_are_read(data: bytes) -> None:
    assert read_leads(decode(data), region="").rows == (LeadRow("+31612345678", "Zoë"),)


@pytest.mark.slow
def test_an_import_has_an_end() -> None:
    numbers = "\n".join(f"+3161{n:07d}" for n in range(MAX_LEADS + 300))
    found = read_leads(numbers, region="")
    assert len(found.rows) == MAX_LEADS
    assert found.error_count == 300
    assert len(found.errors) == MAX_ERRORS


@given(st.text(max_size=400), st.sampled_from(["", "NL", "US", "ZZ"]))
def test_any_text_gives_callable_numbers_only(text: str, region: str) -> None:
    found = read_leads(text, region=region)
    numbers = [row.phone_number for row in found.rows]
    assert len(set(numbers)) == len(numbers)
    for number in numbers:
        assert phonenumbers.is_valid_number(phonenumbers.parse(number))
        assert len(number) <= 16


@given(st.binary(max_size=300))
def test_any_file_is_answered(data: bytes) -> None:
    read_leads("phone\n" + decode(data), region="NL")


NAMES = st.text(
    st.characters(categories=["L", "N", "Zs"], include_characters="'\",;-"), max_size=40
)


@given(st.lists(st.tuples(st.integers(0, 9_999_999), NAMES), max_size=30))
def test_what_was_written_as_csv_is_read_back(people: list[tuple[int, str]]) -> None:
    lines = ["phone,name"]
    for number, name in people:
        quoted = name.replace('"', '""')
        lines.append(f'+31611{number % 1_000_000:06d},"{quoted}"')
    found = read_leads("\n".join(lines), region="")
    expected = {}  # type: ignore[var-annotated]  # the empty one
    for number, name in people:
        expected.setdefault(f"+31611{number % 1_000_000:06d}", name.strip())
    assert {row.phone_number: row.name for row in found.rows} == expected
    assert found.duplicate_count == len(people) - len(expected)
    assert found.error_count == 0
