"""Websocket addresses of this app."""

from django.urls import path, re_path

from calls.consumers import CallConsumer, NoConsumer
from calls.listen_consumer import ListenConsumer

websocket_urlpatterns = [
    path("ws/calls/<uuid:call_id>/", CallConsumer.as_asgi(), name="call_socket"),
    path(
        "ws/calls/<uuid:call_id>/listen/",
        ListenConsumer.as_asgi(),
        name="listen_socket",
    ),
    re_path("", NoConsumer.as_asgi(), name="no_socket"),
]
