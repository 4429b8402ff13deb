"""Where a customer may send us: public addresses, and what the operator allows."""

from __future__ import annotations

import pytest
from requests_hardened.ip_filter import EXTRA_BLOCKED_NET_RANGES

from common.http import AddressRefused, BadUrl, check_url
from common.http.addresses import is_public, networks

NOT_PUBLIC = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1",
    "2001::1",  # Teredo
    "2001:db8::1",
    "2002:7f00:1::",  # 6to4 of 127.0.0.1
    "2002:808:808::",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_that_is_not_public_is_known(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8"]
)
def test_a_public_address_is_known(address: str) -> None:
    assert is_public(address)


def test_whatever_the_library_blocks_is_not_public() -> None:
    assert [net for net in EXTRA_BLOCKED_NET_RANGES if is_public(str(net[1]))] == []


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "0",
        "169.254.169.254",
        "[::1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "app.localhost",
        "printer.local",
    ],
)
def test_no_spelling_of_a_private_address_is_taken(host: str) -> None:
    with pytest.raises(AddressRefused):
        check_url(f"https://{host}/hook")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com/hook",
        "http://example.com/hook",
        "ftp://example.com/hook",
        "file:///etc/passwd",
        "gopher://example.com",
        "https://",
        "https://user:secret@example.com/",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://exa mple.com/",
        "https://example.com/\r\nX: y",
        "https://example.com/" + "a" * 2_000,
        "https://[::1",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(BadUrl):
        check_url(url)


def test_an_operator_opens_a_network_also_in_the_clear() -> None:
    allowed = networks(("10.0.0.0/8",))
    assert check_url("http://10.0.0.5/hook", allowed=allowed).host == "10.0.0.5"
    with pytest.raises(AddressRefused):
        check_url("http://192.168.0.5/hook", allowed=allowed)
    with pytest.raises(AddressRefused):
        check_url("http://8.8.8.8/hook", allowed=allowed)
