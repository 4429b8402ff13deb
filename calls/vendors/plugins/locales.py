"""The region a vendor wants beside a language, where the assistant names none."""

from __future__ import annotations

from typing import Final

_LOCALES: Final = {
    "ar": "ar-EG",
    "cs": "cs-CZ",
    "da": "da-DK",
    "en": "en-US",
    "hi": "hi-IN",
    "ja": "ja-JP",
    "ko": "ko-KR",
    "no": "nb-NO",
    "sv": "sv-SE",
    "vi": "vi-VN",
    "zh": "zh-CN",
}


def locale_of(language: str) -> str:
    """Return a BCP 47 tag with a region: "nl" is "nl-NL", "en-GB" stays."""
    if "-" in language:
        return language
    return _LOCALES.get(language, f"{language}-{language.upper()}")
