"""Requests to addresses that a customer names: webhooks, tools, MCP servers.

Only public addresses are reached, over HTTPS. The operator may allow private networks
(`OUTBOUND_ALLOWED_NETWORKS`), and plain HTTP into those. What a name resolves to is
checked on the very socket that connects, so neither a redirect nor a name that
resolves to something else the second time gets past. Time and size are bounded.

    await request(Request(…))   in an event loop: the voice process
    send(Request(…))            in a thread: workers, views
    submit(Request(…))          many at once from one thread; returns a future

Connections are kept, by host, for as long as a process lives.
"""

from common.http.addresses import check_url
from common.http.client import Answer, Request, request
from common.http.errors import AddressRefused, BadUrl, OutboundError
from common.http.threads import send, submit

__all__ = [
    "AddressRefused",
    "Answer",
    "BadUrl",
    "OutboundError",
    "Request",
    "check_url",
    "request",
    "send",
    "submit",
]
