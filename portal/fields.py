"""Form fields that several rooms use."""

from __future__ import annotations

import re
from typing import Any

from django import forms


class WordsField(forms.CharField):
    """Words with commas or spaces between them, as a list."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        return [word for word in re.split(r"[\s,;]+", super().clean(value)) if word]
