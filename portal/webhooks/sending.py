"""One try to deliver: signed as of now, sent, and what came back."""

from __future__ import annotations

import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final

from common.http import Answer, OutboundError, Request, submit
from portal.models import Organization, WebhookDelivery
from portal.webhooks.signing import signed_headers, user_agent

TIMEOUT_S: Final = 10
_MAX_ANSWER_BYTES: Final = 64 * 1024
# A receiver that still holds the previous secret answers so.
NOT_BELIEVED: Final = frozenset({400, 401, 403})


@dataclass
class Sending:
    """A try of a delivery whose event, endpoint and agency are loaded.

    Of several secrets the first signs the documented header.
    """

    delivery: WebhookDelivery
    secrets: tuple[str, ...]
    headers: dict[str, str] = field(default_factory=dict)
    answer: Answer | None = None
    error: str = ""

    @property
    def is_success(self) -> bool:
        return self.answer is not None and self.answer.is_success

    @property
    def may_be_mistrusted(self) -> bool:
        """Whether the receiver could believe the same, signed the other way round."""
        return (
            len(self.secrets) > 1
            and self.answer is not None
            and self.answer.status in NOT_BELIEVED
        )

    def start(self) -> Future[Answer]:
        body = self.delivery.event.body.encode()
        self.headers = signed_headers(
            message_id=message_id(self.delivery),
            kind=self.delivery.kind,
            body=body,
            secrets=self.secrets,
            timestamp=int(time.time()),
            agent=agent_of(self.delivery.agency),
        )
        return submit(
            Request(
                self.delivery.endpoint.url,
                headers=self.headers,
                body=body,
                timeout_s=TIMEOUT_S,
                max_answer_bytes=_MAX_ANSWER_BYTES,
            )
        )

    def finish(self, future: Future[Answer]) -> None:
        """Keep what the finished request brought."""
        try:
            self.answer = future.result()
        except OutboundError as error:
            self.error = str(error)
        else:
            if not self.answer.is_success:
                self.error = f"HTTP {self.answer.status}"


def message_id(delivery: WebhookDelivery) -> str:
    """Return what a receiver tells repetitions by: the event, however often it is sent."""
    return f"msg_{delivery.event_id.hex}"


def agent_of(agency: Organization) -> str:
    """Return the User-Agent under the brand of the agency's portal."""
    portal = getattr(agency, "portal", None)
    return user_agent(portal.name if portal else "")
