"""What counts as a site, in the one form that browsers compare."""

from __future__ import annotations

import pytest

from calls.sites import MAX_SITES, BadSite, parse_site, parse_sites


@pytest.mark.parametrize(
    ("text", "site"),
    [
        ("https://www.example.com", "https://www.example.com"),
        (" WWW.Example.COM ", "https://www.example.com"),
        ("example.com.", "https://example.com"),
        ("https://example.com/shop?id=1#top", "https://example.com"),
        ("https://example.com:8443", "https://example.com:8443"),
        ("*.example.com", "https://*.example.com"),
        ("https://example.com:443", "https://example.com"),
        ("https://example.com/?next=https://other.example", "https://example.com"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://127.0.0.1", "http://127.0.0.1"),
    ],
)
def test_a_site_has_one_form(text: str, site: str) -> None:
    assert parse_site(text) == site
    assert parse_site(site) == site


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "https://*",
        "*.com",
        "example",
        "http://example.com",
        "ftp://example.com",
        "javascript:alert(1)",
        "https://user@example.com",
        "https://example.com:no",
        "https://example.com:99999",
        "https://exam ple.com",
        "https://example.com;script-src *",
        "https://example.com, https://evil.example",
        "https://'none'",
        "https://a*.example.com",
        "https://192.168.1.1",
        "https://[::1]",
        "https://[::1",
        "https://*.localhost",
        "http://*.localhost",
        "https://-a.example",
        "https://" + "a" * 64 + ".example",
        "https://" + "a." * 130 + "example",
        "https://\u202eexample.com",
        "https://example.com\nx-frame-options: allow",
    ],
)
def test_what_is_no_site_is_refused(text: str) -> None:
    with pytest.raises(BadSite):
        parse_site(text)


def test_repeats_and_empty_lines_are_dropped_and_many_refused() -> None:
    assert parse_sites(["a.example", "", "https://a.example", "b.example"]) == [
        "https://a.example",
        "https://b.example",
    ]
    with pytest.raises(BadSite, match="at most"):
        parse_sites([f"s{number}.example" for number in range(MAX_SITES + 1)])
