"""Google: Gemini on Vertex AI in the EU, Speech, and Gemini Live.

Vertex AI and Speech want a service account (`google_vertex`, its JSON as the key),
Gemini Live's other models an API key (`google`).
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Final

import grpc  # type: ignore[import-untyped]  # ships no types
from google.auth.credentials import AnonymousCredentials
from google.cloud import texttospeech
from google.cloud.speech_v2 import SpeechAsyncClient
from google.cloud.speech_v2.services.speech.transports import (
    SpeechGrpcAsyncIOTransport,
)
from google.cloud.texttospeech_v1.services.text_to_speech.transports import (
    TextToSpeechGrpcAsyncIOTransport,
)
from google.genai import Client, types
from google.genai.errors import APIError as GeminiError
from google.oauth2 import service_account
from livekit.agents import APIStatusError, llm as lk_llm, stt as lk_stt, tts as lk_tts
from livekit.plugins import google
from livekit.plugins.google import llm as google_llm
from websockets.exceptions import InvalidStatus

from calls.vendors.order import CONNECT, Order, given
from calls.vendors.plugins.locales import locale_of

SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
LOCATION: Final = "eu"
LIVE_LOCATION: Final = "europe-west4"
VERTEX_KEY: Final = "google_vertex"
LONGEST_REPLY_S: Final = 240.0  # Google's own limit of a stream is five minutes
_NO_THINKING: Final = types.ThinkingConfig(thinking_budget=0)


def prepare(order: Order) -> None:
    """Read the account and build what holds TLS, for whoever needs it."""
    if order.stage.value == "llm":
        _client(order)
    elif order.provider.key_for(order.model) == VERTEX_KEY:
        _account(order)


def llm(order: Order) -> lk_llm.LLM[Any]:
    config, client = order.config, _client(order)

    def ours(**_: Any) -> Client:
        return client

    # The plugin makes a client for each object, which builds two TLS contexts: 0.1 s on
    # the loop that plays audio. Remove this when it takes a client.
    plugin: Any = google_llm
    theirs, plugin.Client = plugin.Client, ours
    try:
        return google.LLM(
            model=order.model,
            vertexai=True,
            project=_project(order),
            location=config.location or LOCATION,
            temperature=config.temperature,
            thinking_config=_NO_THINKING,
            **given(max_output_tokens=config.max_completion_tokens),
        )
    finally:
        plugin.Client = theirs


def stt(order: Order) -> lk_stt.STT[Any]:
    language = order.language
    return _STT(
        order,
        languages=[locale_of(language)] if language else ["auto"],
        detect_language=language is None,
        model=order.model,
        location=order.config.location or LOCATION,
        project=_project(order),
        credentials=_account(order),
        use_streaming=True,
    )


def tts(order: Order) -> lk_tts.TTS[Any]:
    config = order.config
    locale = locale_of(order.language or "en")
    is_chirp = order.model == "chirp-3-hd"
    voice = config.voice_id
    return _TTS(
        order,
        language=locale,
        voice_name=f"{locale}-Chirp3-HD-{voice}" if is_chirp else voice,
        location=config.location or LOCATION,
        credentials=_account(order),
        **given(
            model_name=None if is_chirp else order.model,
            prompt=None if is_chirp else config.instructions,
            speaking_rate=config.speaking_rate,
        ),
    )


def realtime(order: Order) -> Any:
    config = order.config
    is_vertex = order.provider.key_for(order.model) == VERTEX_KEY
    tls = order.shared.tls
    where: dict[str, Any] = {"api_key": order.api_key, "vertexai": False}
    if is_vertex:
        where = {
            "vertexai": True,
            "project": _project(order),
            "location": config.location or LIVE_LOCATION,
            "credentials": _account(order),
        }
    return _Live(
        model=order.model,
        conn_options=CONNECT,
        voice=config.voice or order.provider.default_voice,
        temperature=config.temperature,
        http_options=types.HttpOptions(
            client_args={"verify": tls},
            # `ssl` is for the socket of Gemini Live; else it makes a context, on the loop.
            async_client_args={"verify": tls, "ssl": tls},
            aiohttp_client=order.shared.http,
            **given(base_url=order.base_url or None),
        ),
        **where,
        **given(max_output_tokens=config.max_output_tokens),
    )


# --- accounts and clients ---------------------------------------------------------------
def _account(order: Order) -> Any:
    """The service account; a `ValueError` when the key is none."""
    if order.base_url and not order.api_key.lstrip().startswith("{"):
        return AnonymousCredentials()  # type: ignore[no-untyped-call]  # another server
    return order.shared.client(
        ("google-account", order.api_key),
        lambda _tls: service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
            json.loads(order.api_key), scopes=[SCOPE]
        ),
    )


def _project(order: Order) -> str:
    account = _account(order)
    return order.setting("project") or getattr(account, "project_id", None) or "none"


def _client(order: Order) -> Client:
    location = order.config.location or LOCATION
    found: Client = order.shared.client(
        ("google", order.base_url, order.api_key, location),
        lambda tls: Client(
            vertexai=True,
            project=_project(order),
            location=location,
            credentials=_account(order),
            http_options=types.HttpOptions(
                client_args={"verify": tls},
                async_client_args={"verify": tls},
                aiohttp_client=order.shared.http,  # else it makes a session of its own
                **given(base_url=order.base_url or None),
            ),
        ),
    )
    return found


def _channel(base_url: str) -> grpc.aio.Channel:
    return grpc.aio.insecure_channel(base_url.partition("://")[2].rstrip("/"))


class _STT(google.STT):
    """Speech at another server when there is one: the plugin knows Google's alone."""

    def __init__(self, order: Order, **options: Any) -> None:
        super().__init__(**options)
        self._elsewhere = order.base_url

    async def _create_client(self, timeout: float) -> Any:  # noqa: ASYNC109  # the plugin's
        if not self._elsewhere:
            return await super()._create_client(timeout)
        channel = _channel(self._elsewhere)
        return SpeechAsyncClient(transport=SpeechGrpcAsyncIOTransport(channel=channel))


class _TTS(google.TTS):
    """The same for voices, and a stream that may last as long as a reply."""

    def __init__(self, order: Order, **options: Any) -> None:
        super().__init__(**options)
        self._elsewhere = order.base_url

    def stream(self, **options: Any) -> Any:
        # The plugin takes the wait for a connection for the limit of the whole reply.
        connect = options.get("conn_options", CONNECT)
        options["conn_options"] = replace(connect, timeout=LONGEST_REPLY_S)
        return super().stream(**options)

    def _ensure_client(self) -> texttospeech.TextToSpeechAsyncClient:
        if self._client is None and self._elsewhere:
            transport = TextToSpeechGrpcAsyncIOTransport(
                channel=_channel(self._elsewhere)
            )
            self._client = texttospeech.TextToSpeechAsyncClient(transport=transport)
        return super()._ensure_client()


class _Live(google.realtime.RealtimeModel):
    def session(self, **options: Any) -> Any:
        session: Any = super().session(**options)
        session.__class__ = _LiveSession  # it has not begun yet
        return session


class _LiveSession(google.realtime.realtime_api.RealtimeSession):
    """The plugin's, with the status of a refusal."""

    def _emit_error(self, error: Exception, recoverable: bool) -> None:
        status = _status_of_close(error)
        if status is not None:
            refusal = APIStatusError("refused", status_code=status)
            refusal.__cause__ = error
            error, recoverable = refusal, recoverable and refusal.retryable
        super()._emit_error(error, recoverable)


# Why Gemini closes a socket stands in its reason; the code alone says little.
_REASONS: Final = {
    "api key": 401,
    "quota": 429,
    "billing": 402,
    "not found": 404,
    "permission": 403,
}
_CODES: Final = {1007: 400, 1008: 403, 1011: 500}


def _status_of_close(error: Exception) -> int | None:
    """The status behind a close code of Gemini's socket, or a refused handshake."""
    if isinstance(error, InvalidStatus):
        return error.response.status_code
    if not isinstance(error, GeminiError):
        return None
    told = str(error).lower()
    return next(
        (status for words, status in _REASONS.items() if words in told),
        _CODES.get(error.code),
    )
