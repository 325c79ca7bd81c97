"""The baseline: the consumer of the Channels tutorial, an ASGI application for uvicorn or daphne.

It differs from the tutorial in one thing: it uses the faster channel layer of the two, as Tidewire does, since the
other one drops what a consumer does not take in time, and then there would be nothing to compare.
"""

import os

from django.conf import settings

GROUP = "tutorial"

if not settings.configured:
    hosts = [{"address": os.environ["REDIS_URL"], "socket_timeout": None, "max_connections": 1000}]
    layer = {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": hosts}}
    settings.configure(SECRET_KEY="nothing to protect", CHANNEL_LAYERS={"default": layer}, ALLOWED_HOSTS=["*"])

import django  # noqa: E402  the settings come first

django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402
from django.urls import path  # noqa: E402


class Consumer(AsyncWebsocketConsumer):
    """Sends each client what its group is sent."""

    async def connect(self) -> None:
        """Join the group of the path."""
        self.group = f"{GROUP}.{self.scope['url_route']['kwargs']['room']}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        """Leave the group."""
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def tick(self, event: dict[str, str]) -> None:
        """Pass a message on."""
        await self.send(text_data=event["text"])


application = ProtocolTypeRouter(
    {"http": get_asgi_application(), "websocket": URLRouter([path("<room>", Consumer.as_asgi())])}
)
