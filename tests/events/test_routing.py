import pytest
from channels.routing import URLRouter

from events.routing import websocket_urlpatterns


async def knock(path, extensions):
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    scope = {"type": "websocket", "path": path, "headers": [], "extensions": extensions}
    await URLRouter(websocket_urlpatterns())(scope, receive, send)
    return sent


@pytest.mark.parametrize("path", ["/", "/live", "/live/ws/more", "/admin/"])
async def test_a_socket_at_another_address_is_not_found_and_nothing_fails(path):
    [start, body] = await knock(path, {"websocket.http.response": {}})
    assert (start["status"], body["type"]) == (404, "websocket.http.response.body")


async def test_a_server_that_cannot_answer_so_closes_it():
    assert await knock("/nowhere", {}) == [{"type": "websocket.close"}]
