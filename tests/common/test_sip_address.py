"""Whose server a SIP address names is told for sure, or not at all."""

from __future__ import annotations

import pytest

from common.sip_address import host_of_sip
from common.union import is_in_union


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("sip:desk@pbx.example.com", "pbx.example.com"),
        ("SIPS:desk@PBX.Example.com.:5061;transport=tls", "pbx.example.com"),
        ("sip:pbx.example.com", "pbx.example.com"),
        ("sip:+31201234567;ext=1@203.0.113.7:5080", "203.0.113.7"),
        ("sip:desk:secret@[2001:db8::1]:5060", "2001:db8::1"),
        # Two hosts, a detour, headers, and what is none.
        ("sip:desk@pbx.example.com@evil.example", ""),
        ("sip:pbx.example.com;x@evil.example", "evil.example"),
        ("sip:desk@pbx.example.com;maddr=203.0.113.9", ""),
        ("sip:desk@pbx.example.com;lr;MADDR=evil.example", ""),
        ("sip:desk@pbx.example.com?Route=%3Csip:evil.example%3E", ""),
        ("sip:desk@pbx.example.com\\@evil.example", ""),
        ("sip:desk@pbx_example.com", ""),
        ("sip:desk@", ""),
        ("tel:+31201234567", ""),
        ("", ""),
    ],
)
def test_a_host_is_known_for_sure_or_not_at_all(address: str, host: str) -> None:
    assert host_of_sip(address) == host


@pytest.mark.parametrize(
    ("number", "is_inside"),
    [
        ("+31201234567", True),
        ("+35318012345", True),
        ("+262262123456", True),  # Réunion
        ("+442071234567", False),
        ("+41441234567", False),
        ("+4721234567", False),  # Norway
        ("+12125551234", False),
        ("+8816123456789", False),  # satellites
        ("+883510012345", False),
        ("nonsense", False),
    ],
)
def test_a_number_is_in_the_union_by_its_country(number: str, is_inside: bool) -> None:
    assert is_in_union(number) is is_inside
