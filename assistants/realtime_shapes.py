"""What can be set at a realtime model only, as fields of `llm_config`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from assistants.part import Part


class Delegation(Part):
    """The model that thinks while a live one talks (`openai_live`)."""

    model: str = Field(default="gpt-5.6-luna", min_length=1, max_length=100)
    instructions: str | None = Field(default=None, max_length=100_000)


# What is outside is moved to the nearest limit, as the public API does.
TURN_DETECTION_LIMITS: dict[str, tuple[float, float]] = {
    "threshold": (0, 1),
    "prefix_padding_ms": (0, 2_000),
    "silence_duration_ms": (100, 2_000),
    "idle_timeout_ms": (0, 30_000),
}


class TurnDetection(Part):
    """When the vendor takes the caller's turn for over (`xai_realtime`)."""

    threshold: float = 0.5
    prefix_padding_ms: int = 300
    silence_duration_ms: int = 200
    idle_timeout_ms: int | None = None  # null and 0 are off

    @field_validator("*", mode="after")
    @classmethod
    def _clamped(cls, value: Any, info: Any) -> Any:
        if value is None:
            return value
        low, high = TURN_DETECTION_LIMITS[info.field_name]
        return type(value)(min(high, max(low, value)))


class RealtimeTranscription(Part):
    """Help for the transcript of what the caller says (`xai_realtime`)."""

    language_hint: str | None = Field(default=None, max_length=10)
    keyterms: tuple[Annotated[str, Field(max_length=50)], ...] = Field(
        default=(), max_length=100
    )


class WebSearch(Part):
    type: Literal["web_search"]


class XSearch(Part):
    type: Literal["x_search"]
    allowed_x_handles: tuple[str, ...] | None = Field(default=None, max_length=20)


class FileSearch(Part):
    type: Literal["file_search"]
    vector_store_ids: tuple[str, ...] = Field(min_length=1)
    max_num_results: int | None = Field(default=None, ge=1, le=50)


# Tools the vendor runs itself.
ProviderTool = Annotated[WebSearch | XSearch | FileSearch, Field(discriminator="type")]
