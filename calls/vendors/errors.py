"""What goes wrong at a vendor, told in one shape.

ProviderError    decided once, from the status code, by `provider_error`
└── NoCredential  the key of the chosen vendor is missing; raised before a call

`retryable` says whether the same request may work in a moment; `owner` whose key it
was, and so who can mend a refusal.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from livekit.agents import APIConnectionError, APIError, APITimeoutError


class Owner(StrEnum):
    """Whose key a vendor was called with."""

    ORGANIZATION = "organization"
    AGENCY = "agency"
    PLATFORM = "platform"


class ProviderError(Exception):
    """A vendor failed. `message` is for people and holds no key and no content.

    `reason` is the message without the name of the provider.
    """

    def __init__(
        self,
        message: str,
        *,
        stage: str,
        provider: str,
        owner: Owner,
        retryable: bool,
        status_code: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = message.removeprefix(f"{provider}: ")
        self.stage = stage
        self.provider = provider
        self.owner = owner
        self.retryable = retryable
        self.status_code = status_code
        self.retry_after_s = retry_after_s


class NoCredential(ProviderError):
    """No key for a vendor the assistant is set to use."""

    def __init__(self, *, stage: str, provider: str) -> None:
        super().__init__(
            f"No key for {provider}. Add one, or choose another provider.",
            stage=stage,
            provider=provider,
            owner=Owner.ORGANIZATION,
            retryable=False,
        )


_MAX_RETRY_AFTER_S = 3_600.0
_BAD_REQUEST, _BEYOND = 400, 600


def provider_error(
    error: BaseException, *, stage: str, provider: str, owner: Owner
) -> ProviderError:
    """Map whatever a plugin raised, or reported in an error event, to one shape."""
    message, retryable, status = _judge(error)
    return ProviderError(
        f"{provider}: {message}",
        stage=stage,
        provider=provider,
        owner=owner,
        retryable=retryable,
        status_code=status,
        retry_after_s=_retry_after_s(error),
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _status_of(error: BaseException) -> tuple[int, object] | None:
    """The status behind "the connection failed", and what came with it.

    Clients keep it to a cause: the library's own error, or that of the connection.
    """
    for link in _chain(error):
        status = getattr(link, "status_code", None) or getattr(link, "status", None)
        if isinstance(status, int) and _BAD_REQUEST <= status < _BEYOND:
            return status, getattr(link, "body", None)
    return None


def _judge(error: BaseException) -> tuple[str, bool, int | None]:
    if found := _status_of(error):
        return _judge_status(*found)
    if isinstance(error, APITimeoutError):
        return "no answer in time", True, None
    if isinstance(error, APIConnectionError):
        return "the connection failed", error.retryable, None
    if isinstance(error, APIError):
        return "an unreadable or failed answer", error.retryable, None
    # Nobody said that another try will not help.
    return f"failed ({type(error).__name__})", True, None


_STATUS_MESSAGES = {
    400: "the request was refused; check the model, the voice and the language",
    401: "the key was refused",
    402: "the account has no credit",
    403: "the key may not do this",
    404: "no such model or voice",
    408: "no answer in time",
    422: "the request was refused; check the model, the voice and the language",
    429: "too many requests or no quota left",
}


def _judge_status(status: int, body: object) -> tuple[str, bool, int]:
    message = _STATUS_MESSAGES.get(status, f"status {status}")
    # OpenAI tells an empty account by the code of a 429; waiting does not fill it.
    is_broke = "insufficient_quota" in str(body)
    if is_broke:
        message = _STATUS_MESSAGES[402]
    retryable = (status in (408, 429) or status >= 500) and not is_broke
    return message, retryable, status


def _retry_after_s(error: BaseException) -> float | None:
    """What the vendor's Retry-After says, in seconds, when the plugin kept it.

    It is found while an error event is handled; iterating the stream loses it.
    """
    for link in _chain(error):
        headers = getattr(getattr(link, "response", None), "headers", None)
        headers = headers if headers is not None else getattr(link, "headers", None)
        value = headers.get("Retry-After") if headers is not None else None
        if value is not None:
            try:
                return min(_MAX_RETRY_AFTER_S, max(0.0, float(value)))
            except ValueError:
                return None  # a date: not worth a parser here
    return None
