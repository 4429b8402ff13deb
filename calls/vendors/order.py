"""What a plugin is asked to make: one vendor object of one call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from livekit.agents import APIConnectOptions

from assistants.catalogue import Provider, Stage
from assistants.spec import AssistantSpec
from calls.vendors.errors import Owner
from calls.vendors.shared import SharedResources


@dataclass(frozen=True)
class Credential:
    """A key, where to use it when not at the vendor itself, and whose it is.

    `settings` is what a vendor wants beside the key: Azure's region, say.
    """

    api_key: str = field(repr=False)
    base_url: str | None = None
    owner: Owner = Owner.PLATFORM
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_foreign_address(self) -> bool:
        """Whether a customer said where to send it: only public addresses then."""
        return self.base_url is not None and self.owner != Owner.PLATFORM


# By the name the catalogue gives a key ("openai", "deepgram", …).
Credentials = Mapping[str, Credential]


@dataclass(frozen=True)
class Order:
    """`config` is the choice of the stage: the first one's, or a fallback's."""

    stage: Stage
    spec: AssistantSpec
    config: Any
    provider: Provider
    credential: Credential
    shared: SharedResources

    @property
    def api_key(self) -> str:
        return self.credential.api_key

    @property
    def base_url(self) -> str:
        """Another server than the vendor's own; empty when it is the vendor's."""
        return self.credential.base_url or self.provider.base_url

    @property
    def model(self) -> str:
        return str(self.config.model or self.provider.default_model)

    @property
    def reasoning_effort(self) -> str | None:
        """What the catalogue pins for this model, so that a caller need not wait."""
        model = self.provider.model(self.model)
        return model.reasoning_effort if model else None

    @property
    def language(self) -> str | None:
        """The language of the config; None for several at once."""
        language = self.config.language
        return None if language in (None, "", "multi") else str(language)

    def setting(self, name: str, default: str = "") -> str:
        return self.credential.settings.get(name) or default


# A caller waits meanwhile.
CONNECT = APIConnectOptions(max_retry=2, retry_interval=0.5, timeout=5.0)


def given(**values: Any) -> dict[str, Any]:
    """The arguments somebody set, so that a plugin's own defaults stand for the rest."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in values.items()
        if value is not None and value != ()
    }
