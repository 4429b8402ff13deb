"""Transfers that the API or a person asks for, beside whatever goes on in the call."""

from __future__ import annotations

import asyncio
from uuid import UUID

from calls.node.conversation import Conversation
from calls.node.transferring import Transferring
from calls.session.ports import TransferFailed


class HandingOn:
    """One at a time: a second wish, while the first is being tried, changes nothing."""

    def __init__(self, call_id: UUID, transfer: Transferring | None) -> None:
        self._call_id, self._transfer = call_id, transfer
        self._trying: asyncio.Task[None] | None = None

    def begin(
        self, conversation: Conversation, destination: str, message: str, asked_by: str
    ) -> None:
        """Try it; the assistant is told when it does not come about."""
        transfer = self._transfer
        if transfer is None or (self._trying is not None and not self._trying.done()):
            return
        self._trying = asyncio.create_task(
            _hand_on(transfer, conversation, destination, message, asked_by),
            name=f"transfer {self._call_id}",
        )

    async def aclose(self) -> None:
        """Give up what is being tried."""
        if self._trying is not None:
            self._trying.cancel()
            await asyncio.wait([self._trying])


async def _hand_on(
    transfer: Transferring,
    conversation: Conversation,
    destination: str,
    message: str,
    asked_by: str,
) -> None:
    transfer.asked_by = asked_by
    try:
        await conversation.session.transfer(destination, message or None)
    except TransferFailed as error:
        await conversation.session.inject(
            f"The call could not be transferred: {error}", respond=True
        )
    finally:
        transfer.asked_by = "assistant"
