"""Where sockets go."""

from django.urls import path

from events.live.websocket import live_socket

websocket_urlpatterns = [path("live/ws", live_socket)]
