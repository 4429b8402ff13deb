from __future__ import annotations

import pytest

from common.origins import read_origin


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://www.example.com", "https://www.example.com"),
        ("HTTPS://Example.com/", "https://example.com"),
        ("https://example.com:443", "https://example.com"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("https://Bücher.example", "https://xn--bcher-kva.example"),
        ("https://example.com.", "https://example.com"),
    ],
)
def test_an_origin_is_read_as_browsers_write_it(text: str, origin: str) -> None:
    assert read_origin(text) == origin


@pytest.mark.parametrize(
    "text",
    [
        *("", "null", "*", "example.com", "//example.com", "ftp://example.com"),
        *("https://example.com/page", "https://example.com?x", "https://a b.com"),
        *("https://user@example.com", "https://example.com:port", "https://*.com"),
        *("https://[::1", "https://a..example", "https://1.2.3"),
        "https://" + "a" * 300,
    ],
)
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="Write an origin"):
        read_origin(text)
