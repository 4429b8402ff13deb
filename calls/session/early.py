"""What is asked of a session before it can do it: kept until the conversation begins."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """Something to say as soon as the assistant can speak."""

    text: str
    interruptible: bool
    end_after: bool


@dataclass(frozen=True)
class Context:
    """Something to tell the model as soon as there is a conversation."""

    content: str
    respond: bool


@dataclass(frozen=True)
class Written:
    """Something the other side wrote before the conversation began."""

    text: str
