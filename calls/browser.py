"""What a browser gets to join a call: socket address, token, ways through the network;
and the line that puts the button of a widget on a site."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from calls.media.ice import ice_servers_for_browser
from calls.models import Widget
from calls.services.web import StartedWebCall
from portal.hosts import portal_url
from portal.models import Portal


def browser_ticket(
    started: StartedWebCall, *, host: str, is_secure: bool
) -> dict[str, Any]:
    """Return the answer to a start. The token opens one socket within a minute."""
    scheme = "wss" if is_secure else "ws"
    call_id = str(started.call.pk)
    return {
        "call_id": call_id,
        "token": started.token,
        "server_url": f"{scheme}://{host}/ws/calls/{call_id}/",
        "expires_in_seconds": settings.CALL_TOKEN_TTL_S,
        "ice_servers": ice_servers_for_browser(
            stun_urls=settings.STUN_URLS,
            turn_urls=settings.TURN_URLS,
            turn_secret=settings.TURN_SECRET,
            user=call_id,
        ),
    }


def widget_snippet(widget: Widget) -> str:
    """Return the one line that a site puts into its pages; it names the agency's portal."""
    portal = Portal.objects.get(agency=widget.agency_id)
    source = portal_url(portal, "/static/js/widget.js")
    return f'<script async src="{source}" data-widget="{widget.pk}"></script>'
