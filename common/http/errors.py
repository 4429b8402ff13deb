"""What can go wrong on the way to an address that a customer names.

    OutboundError
    ├── BadUrl           it cannot be an address of ours: scheme, user name, no host
    └── AddressRefused   it leads into a network that is not public

The message is for the customer who entered the address.
"""

from __future__ import annotations


class OutboundError(Exception):
    """No answer came; `kind` is a word for logs and figures."""

    def __init__(self, message: str, *, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


class BadUrl(OutboundError):
    def __init__(self, message: str) -> None:
        super().__init__(message, kind="bad_url")


class AddressRefused(OutboundError):
    def __init__(
        self, message: str = "This address does not lead to a public network."
    ) -> None:
        super().__init__(message, kind="address_refused")
