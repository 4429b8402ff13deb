"""Typed readers for the environment; every setting a person may change is read here.

Each call names the variable, its default and one line of help. The calls register
themselves, so that the README's table and `.env.example` are printed from them and
cannot drift. A value that makes no sense stops the process at start.

A secret may be given as a file: `SECRET_KEY_FILE=/run/secrets/key` is read in place
of `SECRET_KEY`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Final

from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True)
class Variable:
    """One documented variable of the environment."""

    name: str
    default: str
    help: str
    is_secret: bool = False


REGISTRY: Final[dict[str, Variable]] = {}

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})


def _read(name: str, default: str, help_text: str, *, is_secret: bool = False) -> str:
    REGISTRY[name] = Variable(name, default, help_text, is_secret)
    if is_secret and (path := os.environ.get(f"{name}_FILE")):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(
                f"{name}_FILE cannot be read: {error}"
            ) from error
    return os.environ.get(name, default)


def text(name: str, default: str, help_text: str) -> str:
    return _read(name, default, help_text).strip()


def secret(name: str, default: str, help_text: str) -> str:
    return _read(name, default, help_text, is_secret=True)


def flag(name: str, default: bool, help_text: str) -> bool:
    value = _read(name, "1" if default else "0", help_text).strip().lower()
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}.")


def integer(
    name: str, default: int, help_text: str, *, low: int, high: int = 2**31
) -> int:
    value = _read(name, str(default), help_text)
    try:
        number = int(value)
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{name} must be a whole number, not {value!r}."
        ) from error
    if not low <= number <= high:
        raise ImproperlyConfigured(f"{name} must be between {low} and {high}.")
    return number


def words(name: str, default: str, help_text: str) -> list[str]:
    """Comma-separated words; empty ones are dropped."""
    value = _read(name, default, help_text)
    return [word.strip() for word in value.split(",") if word.strip()]


def networks(name: str, default: str, help_text: str) -> list[str]:
    """Comma-separated networks, such as `10.0.0.0/8, fd00::/8`."""
    found = words(name, default, help_text)
    try:
        return [str(ip_network(word)) for word in found]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}.") from error


def secrets(name: str, help_text: str) -> dict[str, str]:
    """Comma-separated `name=secret` pairs."""
    found: dict[str, str] = {}
    for pair in _read(name, "", help_text, is_secret=True).split(","):
        key, separator, value = pair.strip().partition("=")
        if not key:
            continue
        if not separator or not value.strip():
            raise ImproperlyConfigured(f"{name} must hold pairs like name=key.")
        found[key.strip()] = value.strip()
    return found
