"""Answering a trunk's challenges: which nonce is in use, how often, and when to stop."""

from __future__ import annotations

import secrets
from typing import Final

from sipmessage import Request, Response

from calls.telephony.sip.digest import (
    CannotAnswer,
    Challenge,
    Credentials,
    answer,
    best_challenge,
)

_HEADERS: Final = {
    401: ("WWW-Authenticate", "Authorization"),
    407: ("Proxy-Authenticate", "Proxy-Authorization"),
}


class AuthSession:
    """The credentials of one trunk as used for one dialog or registration."""

    def __init__(self, credentials: Credentials | None) -> None:
        self._credentials = credentials
        self._challenges: dict[str, Challenge] = {}  # by the header that answers it
        self._counts: dict[str, int] = {}

    def take(self, response: Response) -> bool:
        """Take a 401 or 407; whether it is worth trying again.

        A challenge that follows our answer to the same realm says that the credentials
        are wrong, unless it says that only the nonce was old.
        """
        if self._credentials is None or response.code not in _HEADERS:
            return False
        theirs, ours = _HEADERS[response.code]
        try:
            challenge = best_challenge(response.headers.getlist(theirs))
        except CannotAnswer:
            return False
        known = self._challenges.get(ours)
        is_refused = (
            known is not None
            and known.realm == challenge.realm
            and self._counts.get(ours, 0) > 0
            and not challenge.is_stale
            and self._was_fresh(known, ours)
        )
        self._challenges[ours] = challenge
        self._counts[ours] = 0
        return not is_refused

    def _was_fresh(self, known: Challenge, header: str) -> bool:
        """Whether the answer refused was the first to its nonce.

        A nonce used before may have run out, and not every server says `stale`.
        """
        return self._counts.get(header, 0) == 1

    def sign(self, request: Request) -> None:
        """Add an answer to every challenge known so far."""
        if self._credentials is None:
            return
        for header, challenge in self._challenges.items():
            self._counts[header] = self._counts.get(header, 0) + 1
            request.headers.set(
                header,
                answer(
                    challenge,
                    self._credentials,
                    method=request.method,
                    uri=str(request.uri),
                    body=request.body,
                    cnonce=secrets.token_hex(8),
                    count=self._counts[header],
                ),
            )
