"""Assistants and their immutable versions."""

from assistants.models.assistant import Assistant, AssistantVersion

__all__ = ["Assistant", "AssistantVersion"]
