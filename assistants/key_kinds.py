"""The vendors whose keys an organization may bring, and how each key proves that it works.

A check is the cheapest request a vendor has that needs the key: a list of models, voices
or projects. It costs nothing and says at once whether the key is good.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Headers = Callable[[str], dict[str, str]]
Config = Mapping[str, Any]


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _named(header: str) -> Headers:
    return lambda key: {header: key}


@dataclass(frozen=True)
class ConfigField:
    """Something a vendor needs to know beside the key."""

    name: str
    label: str | Promise
    is_required: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class KeyKind:
    """A vendor. `path` is asked at `server`, in which a config's values are filled in."""

    provider: str
    label: str
    unlocks: str | Promise
    server: str
    path: str
    headers: Headers
    config: tuple[ConfigField, ...] = ()
    # Words in a refusal that mean: the key is real, it may only not do this.
    real_but_narrow: tuple[str, ...] = ()
    is_service_account: bool = False
    placeholder: str = ""
    more_headers: Mapping[str, str] = field(default_factory=dict)

    def url(self, config: Config) -> str:
        """Where the check goes."""
        server = str(config.get("base_url") or self.server).rstrip("/")
        if region := config.get("region"):
            server = server.replace("{region}", str(region))
        return server + self.path


_KINDS: Final = (
    KeyKind(
        "openai",
        "OpenAI",
        _("GPT models, voices, realtime"),
        "https://api.openai.com/v1",
        "/models",
        _bearer,
        placeholder="sk-…",
        real_but_narrow=("insufficient permissions", "missing scopes"),
    ),
    KeyKind(
        "anthropic",
        "Anthropic",
        _("Claude models"),
        "https://api.anthropic.com",
        "/v1/models",
        _named("x-api-key"),
        more_headers={"anthropic-version": "2023-06-01"},
        placeholder="sk-ant-…",
    ),
    KeyKind(
        "mistral",
        "Mistral",
        _("Mistral models and recognition"),
        "https://api.mistral.ai",
        "/v1/models",
        _bearer,
    ),
    KeyKind(
        "google",
        "Google Gemini",
        _("Gemini models, voices, realtime"),
        "https://generativelanguage.googleapis.com",
        "/v1beta/models?pageSize=1",
        _named("x-goog-api-key"),
        placeholder="AIza…",
    ),
    KeyKind(
        "google_vertex",
        "Google Vertex AI",
        _("Gemini in the EU, Chirp recognition and voices"),
        "https://oauth2.googleapis.com",
        "/token",
        _bearer,
        config=(
            ConfigField("location", _("Location"), choices=("eu", "europe-west4")),
            ConfigField("project", _("Project")),
        ),
        is_service_account=True,
        placeholder='{"type": "service_account", …}',
    ),
    KeyKind(
        "xai",
        "xAI",
        _("Grok models, voices, realtime"),
        "https://api.x.ai",
        "/v1/models",
        _bearer,
        placeholder="xai-…",
    ),
    KeyKind(
        "groq",
        "Groq",
        _("Fast open models"),
        "https://api.groq.com",
        "/openai/v1/models",
        _bearer,
        placeholder="gsk_…",
    ),
    KeyKind(
        "deepgram",
        "Deepgram",
        _("Speech recognition"),
        "https://api.deepgram.com",
        "/v1/projects",
        lambda key: {"Authorization": f"Token {key}"},
        real_but_narrow=("insufficient_permissions", "insufficient permissions"),
    ),
    KeyKind(
        "gladia",
        "Gladia",
        _("Speech recognition in Europe"),
        "https://api.gladia.io",
        "/v2/pre-recorded?limit=1",
        _named("x-gladia-key"),
    ),
    KeyKind(
        "elevenlabs",
        "ElevenLabs",
        _("Voices of your library, recognition"),
        "https://api.elevenlabs.io",
        "/v1/user",
        _named("xi-api-key"),
        real_but_narrow=("missing_permissions",),
        placeholder="sk_…",
    ),
    KeyKind(
        "inworld",
        "Inworld",
        _("Voices"),
        "https://api.inworld.ai",
        "/tts/v1/voices",
        lambda key: {"Authorization": f"Basic {key}"},
    ),
    KeyKind(
        "cartesia",
        "Cartesia",
        _("Voices"),
        "https://api.cartesia.ai",
        "/voices?limit=1",
        _named("X-API-Key"),
        more_headers={"Cartesia-Version": "2024-11-13"},
        placeholder="sk_car_…",
    ),
    KeyKind(
        "azure",
        "Azure Speech",
        _("Speech recognition and voices"),
        "https://{region}.tts.speech.microsoft.com",
        "/cognitiveservices/voices/list",
        _named("Ocp-Apim-Subscription-Key"),
        config=(
            ConfigField("region", _("Region, such as westeurope"), is_required=True),
        ),
    ),
    KeyKind(
        "openai_compatible",
        "Own server (OpenAI-compatible)",
        _("Models you run yourself"),
        "",
        "/models",
        _bearer,
        config=(
            ConfigField(
                "base_url", _("Address, such as https://…/v1"), is_required=True
            ),
        ),
    ),
    KeyKind(
        "resend",
        "Resend",
        _("Mail to your own people"),
        "https://api.resend.com",
        "/domains",
        _bearer,
        real_but_narrow=("restricted_api_key", "only send emails"),
        placeholder="re_…",
    ),
)
KINDS: Final[Mapping[str, KeyKind]] = {kind.provider: kind for kind in _KINDS}
