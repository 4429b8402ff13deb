"""Sentences with values in them that wait for their reader's language.

`%` on a lazy string puts it into words at once, in the language of whoever runs the line:
at import that is English, in a worker too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise, lazy


def _filled(text: str | Promise, values: Mapping[str, Any]) -> str:
    return str(text) % values


lazy_sentence = lazy(_filled, str)
