"""What the calls of one process share: models, clients, credentials, the shelf for recordings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from aiortc import RTCConfiguration
from django.conf import settings
from livekit.agents import stt, tts

from assistants.keys import OwnKey
from assistants.spec import AssistantSpec
from calls.media.rtc_configuration import rtc_configuration
from calls.node.consent_gate import AGREED, DECLINED
from calls.node.credentials import installation_credentials, with_own_keys
from calls.vendors.offline.stt import OfflineSTT
from calls.vendors.offline.tts import OfflineTTS
from calls.vendors.registry import (
    Credential,
    SharedResources,
    VendorSet,
    build_vendors,
    build_writing_vendors,
    prepare_vendors,
    warm_up,
)


class Studio:
    """Loaded once a process, before the first call; each call takes fresh objects from it."""

    def __init__(self) -> None:
        # The first words after a recogniser's start are the weak ones: start it before.
        self._shared = SharedResources(warm_offline=settings.DEMO)
        self._credentials = installation_credentials()

    async def start(self) -> None:
        await self._shared.start()
        await warm_up(self._credentials)

    async def aclose(self) -> None:
        await self._shared.aclose()

    async def prepare(
        self, spec: AssistantSpec, own_keys: Mapping[str, OwnKey] | None = None
    ) -> None:
        """Load what the vendors of a call need, without stopping the calls going on."""
        await prepare_vendors(spec, self._with(own_keys), self._shared)

    def vendors(
        self, spec: AssistantSpec, own_keys: Mapping[str, OwnKey] | None = None
    ) -> VendorSet:
        """Make the vendors of one call; raises `ProviderError` when one cannot be had.

        A key of the organization or its agency goes before the platform's.
        """
        return build_vendors(spec, self._with(own_keys), self._shared)

    def writing_vendors(
        self, spec: AssistantSpec, own_keys: Mapping[str, OwnKey] | None = None
    ) -> VendorSet:
        """Make the vendors of a conversation in writing; raises as `vendors` does."""
        return build_writing_vendors(spec, self._with(own_keys), self._shared)

    def _with(self, own_keys: Mapping[str, OwnKey] | None) -> dict[str, Credential]:
        return with_own_keys(self._credentials, own_keys or {})

    def announcer(self, language: str) -> tts.TTS[Any]:
        """Return a voice that costs nothing and needs no key, in a language it has."""
        primary = language.replace("_", "-").partition("-")[0].lower()
        voice_id = "flite-slt" if primary in ("en", "multi") else f"espeak-{primary}"
        return OfflineTTS(self._shared.speaker, voice_id=voice_id)

    def yes_or_no(self, language: str) -> stt.STT[Any] | None:
        """Return what tells yes from no in this process; `None` where nothing can.

        Only in English: bent to Dutch, German and French the recogniser took "jammer",
        "Jahr" and "huit" for a yes. Elsewhere callers press a key.
        """
        if language.replace("_", "-").partition("-")[0].lower() != "en":
            return None
        phrases = sorted(AGREED | DECLINED)
        return OfflineSTT(self._shared.decoders, phrases)

    def rtc_configuration(self, call_id: UUID) -> RTCConfiguration:
        return rtc_configuration(
            stun_urls=settings.STUN_URLS,
            turn_urls=settings.TURN_URLS,
            turn_secret=settings.TURN_SECRET,
            user=str(call_id),
        )
