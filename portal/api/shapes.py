"""What a body's schema says beyond its fields, for whoever writes it by the document.

Pydantic checks the same in its own words; these are told to readers alone.
"""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict


def either(**kinds: str) -> ConfigDict:
    """Say that one of these fields has to be there, with its JSON type."""
    return ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": [name], "properties": {name: {"type": kind}}}
                for name, kind in kinds.items()
            ]
        }
    )


def one_of(**kinds: str) -> ConfigDict:
    """Say that exactly one of these fields has to be there; null is not there."""
    branches: list[Any] = [
        {
            "required": [name],
            "properties": {
                other: {"type": kind if other == name else "null"}
                for other, kind in kinds.items()
            },
        }
        for name in kinds
    ]
    return ConfigDict(json_schema_extra={"anyOf": branches})
