"""One module per vendor: `stt`, `llm`, `tts` or `realtime` makes an object of a call.

A vendor's client library takes up to three seconds and 40 MB to import, so a process
imports those that its calls use, and not on the loop that plays audio:

    make_ready(protocol)   the libraries in a thread, then the plugin, which is small
    prepare(order)         in a thread: what a first call would build (TLS, tokens)
    stt(order) …           on the loop, within a millisecond or two
"""

from __future__ import annotations

import asyncio
import importlib
import sys
from types import ModuleType
from typing import Any, Final

from assistants.catalogue import Stage

# Protocol to what is heavy about it.
LIBRARIES: Final[dict[str, tuple[str, ...]]] = {
    "demo": (),
    "offline": (),
    "openai": ("openai.types.realtime", "openai.types.responses", "numpy"),
    "deepgram": (),
    "elevenlabs": (),
    "gladia": (),
    "inworld": (),
    "cartesia": (),
    "xai": ("openai.types.realtime", "openai.types.responses"),
    "groq": ("openai.types.realtime", "openai.types.responses"),
    "mistral": (
        "mistralai.client",
        "mistralai.client.models",
        "mistralai.extra.realtime",
    ),
    "google": (
        "google.genai",
        "google.cloud.speech_v1",
        "google.cloud.speech_v2",
        "google.cloud.texttospeech",
    ),
    "azure": ("azure.cognitiveservices.speech",),
    "anthropic": ("anthropic",),
}
# Protocols that live in another one's module.
_HOMES: Final = {
    "demo": "offline",
    "openai_compatible": "openai",
    "openai_live": "openai",
    "xai_realtime": "xai",
    "google_realtime": "google",
}


def home_of(protocol: str) -> str:
    """The module a protocol is served by."""
    return _HOMES.get(protocol, protocol)


def is_ready(protocol: str) -> bool:
    return f"{__name__}.{home_of(protocol)}" in sys.modules


def plugin(protocol: str) -> ModuleType:
    """The module of a protocol, imported here and now if it must be."""
    _let_any_thread_import()
    return importlib.import_module(f"{__name__}.{home_of(protocol)}")


async def make_ready(protocol: str) -> ModuleType:
    """Import a protocol's module without stopping the loop for its libraries."""
    if not is_ready(protocol):
        await asyncio.to_thread(_import_libraries, home_of(protocol))
    return plugin(protocol)


def makes(protocol: str, stage: Stage) -> bool:
    """Whether a protocol serves a stage."""
    return home_of(protocol) in LIBRARIES and hasattr(plugin(protocol), stage.value)


def _let_any_thread_import() -> None:
    """Let a plugin be imported by whichever thread first needs it.

    LiveKit notes its plugins for its own worker and command line, which we do not use,
    and refuses to do so on any thread but the main one. A web process answers pages on
    others. To be removed once the library takes plugins from any thread.
    """
    from livekit.agents import Plugin

    Plugin.register_plugin = classmethod(_noted)  # type: ignore[method-assign,assignment]  # see above


def _noted(cls: Any, plugin: Any) -> None:
    cls.registered_plugins.append(plugin)


def _import_libraries(home: str) -> None:
    for name in LIBRARIES[home]:
        importlib.import_module(name)
