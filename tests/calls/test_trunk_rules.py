"""Addresses, networks and numbers as carriers and people write them."""

from __future__ import annotations

import pytest

from calls.trunk_rules import (
    BadAddress,
    HostPort,
    parse_address,
    parse_networks,
    read_number,
    region_of,
    written_for,
)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("sip.example.com", "sip.example.com", None),
        (" SIP.Example.com:5080 ", "sip.example.com", 5080),
        ("sip:acme@sip.example.com:5061;transport=tls", "sip.example.com", 5061),
        ("sips:pbx.example.nl.", "pbx.example.nl", None),
        ("203.0.113.7:5060", "203.0.113.7", 5060),
        ("2001:DB8::1", "2001:db8::1", None),
        ("[2001:db8::1]:5070", "2001:db8::1", 5070),
        ("pbx", "pbx", None),
    ],
)
def test_an_address_is_read_however_it_was_copied(
    text: str, host: str, port: int | None
) -> None:
    assert parse_address(text) == HostPort(host, port)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sip.example.com:0",
        "sip.example.com:65536",
        "sip.example.com:http",
        "sip..example.com",
        "-sip.example.com",
        "999.1.2.3",
        "[2001:db8::1",
        "[2001:db8::1]5060",
        "sip example.com",
        "a" * 254,
        "exämple\u2028.com",
        "sip.example.com:٥٠٦٠",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(BadAddress):
        parse_address(text)


def test_networks_are_kept_once_in_one_spelling() -> None:
    assert parse_networks(["203.0.113.9/24", " 203.0.113.0/24", "198.51.100.7"]) == [
        "203.0.113.0/24",
        "198.51.100.7",
    ]


@pytest.mark.parametrize("text", ["0.0.0.0/0", "::/0", "10.0.0.0/7", "sip.example.com"])
def test_the_whole_internet_may_not_call_in(text: str) -> None:
    with pytest.raises(BadAddress):
        parse_networks([text])


@pytest.mark.parametrize(
    ("text", "region", "wanted"),
    [
        ("+31201234567", None, "+31201234567"),
        ("0031201234567", "NL", "+31201234567"),
        ("31201234567", "NL", "+31201234567"),
        ("0201234567", "NL", "+31201234567"),
        ("+31 (0)20-123 4567", None, "+31201234567"),
        ("anonymous", "NL", "anonymous"),
        ("112", None, "112"),
    ],
)
def test_a_carriers_spelling_of_a_number_is_read(
    text: str, region: str | None, wanted: str
) -> None:
    assert read_number(text, region) == wanted


@pytest.mark.parametrize(
    ("number_format", "wanted"),
    [("plus", "+31201234567"), ("digits", "31201234567"), ("national", "0201234567")],
)
def test_a_trunk_reads_numbers_its_own_way(number_format: str, wanted: str) -> None:
    assert written_for("+31201234567", number_format) == wanted


def test_a_number_knows_its_country() -> None:
    assert region_of("+31201234567") == "NL"
    assert region_of("+4930123450") == "DE"
    assert region_of("nonsense") is None
