"""The web process: pages and API over HTTP, signalling over websockets."""

from __future__ import annotations

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# First: it sets Django up, which what is routed to below needs at its import.
_http = get_asgi_application()

from calls.routing import websocket_urlpatterns  # noqa: E402 — needs the set-up above
from config.bounded_bodies import bound_bodies  # noqa: E402

bound_bodies()

application = ProtocolTypeRouter(
    {"http": _http, "websocket": URLRouter(websocket_urlpatterns)}
)
