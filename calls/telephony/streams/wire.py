"""What carriers' media streams say: every one of them in much the same words. Pure."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


class BadMessage(ValueError):
    """A message that is none of the carrier's."""


@dataclass(frozen=True)
class Started:
    """Audio flows. `call` and `stream` are the carrier's names for them."""

    call: str
    stream: str = ""


@dataclass(frozen=True)
class Media:
    payload: bytes


@dataclass(frozen=True)
class Key:
    digit: str


@dataclass(frozen=True)
class Stopped:
    """The call, or our part of it, is over."""


Event = Started | Media | Key | Stopped | None


def read(text: str, started: Callable[[dict[str, Any]], Started]) -> Event:
    """Return what a message says; `None` for one that says nothing to us.

    `started` reads the one message that each carrier words its own way. Whatever is
    missing or of the wrong kind, there too, raises `BadMessage`.
    """
    try:
        message = json.loads(text)
        kind = message["event"]
        if kind == "media":
            body = message["media"]
            if body.get("track", "inbound") != "inbound":
                return None
            return Media(base64.b64decode(body["payload"], validate=True))
        if kind == "start":
            return started(message)
        if kind == "dtmf":
            return Key(str(message["dtmf"]["digit"])[:1])
        return Stopped() if kind == "stop" else None
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise BadMessage(f"no message of a media stream: {error}") from error


def check_encoding(media_format: dict[str, Any], wanted: str) -> None:
    """Raise `ValueError` for audio that is not µ-law under the carrier's name for it."""
    if (encoding := media_format.get("encoding", wanted)) != wanted:
        raise ValueError(f"unknown encoding {encoding}")
