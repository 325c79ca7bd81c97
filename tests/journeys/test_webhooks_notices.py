"""Attempts told as notices, on every transport that has them, to those who may know and to nobody else."""

import json
import re

import aiohttp
import pytest

from tests.journeys.conftest import manage

MALLORY = """
from access.models import User
User.objects.filter(username="mallory").exists() or User.objects.create_user(username="mallory", password="tidewire")
"""


@pytest.fixture(scope="module")
def mallory(stack):
    """Somebody to whom nothing belongs."""
    manage(stack, "shell", "-c", MALLORY)
    return "mallory"


@pytest.fixture
async def watched(people, receiver):
    """An endpoint of alice's until the end of the test, and how to publish something for it."""
    alice = people("alice")
    endpoint = await alice.call("POST", "webhooks/endpoints/", 201, url=receiver.url, event_types=["feeds.entry.*"])
    yield endpoint["id"]
    await alice.call("DELETE", f"webhooks/endpoints/{endpoint['id']}/", 204)


def check_notice(data, endpoint):
    """Check what is told of one attempt that succeeded."""
    assert data["counts"] == {"succeeded": 1}
    [delivery], [attempt] = data["deliveries"], data["attempts"]
    assert (delivery["endpoint"], delivery["status"]) == (endpoint, "succeeded")
    assert (attempt["delivery"], attempt["number"], attempt["status_code"]) == (delivery["id"], 1, 204)
    assert not {"request_headers", "response_headers", "response_body"} & attempt.keys()


async def test_an_attempt_is_told_on_a_socket_to_its_owner_and_in_sum_to_operators(people, watched):
    alice = people("alice")
    async with alice.live() as owner, people("admin").live() as operator:
        await owner.subscribe(f"webhooks.{watched}")
        await operator.subscribe("operations")
        await alice.publish("For a notice")
        check_notice((await owner.frame("notice"))["data"], watched)
        frame = await operator.frame("notice")
        assert frame["topic"] == "operations"
        assert frame["data"]["webhooks"][str(watched)] == {"succeeded": 1}


async def test_an_attempt_is_told_on_a_stream(people, watched, stack):
    alice = people("alice")
    path = f"{stack.url}/live/sse?topics=webhooks.{watched}"
    async with alice.http.get(path, headers=alice.headers, timeout=aiohttp.ClientTimeout(total=20)) as stream:
        assert (await stream.content.readline()).startswith((b"id:", b"retry:"))
        await alice.publish("For a notice on a stream")
        async for line in stream.content:
            if line == b"event: notice\n":
                break
        said = re.sub(rb"^data: ", b"", await stream.content.readline())
        check_notice(json.loads(said)["data"], watched)


async def test_mallory_is_refused_on_every_transport_and_page(people, watched, stack, mallory):
    stranger = people(mallory)
    for topic in (f"webhooks.{watched}", "operations"):
        async with stranger.live() as live:
            await live.send(type="subscribe", id=1, topics=[topic])
            assert (await live.frame("error"))["code"] == "forbidden"
        for path in (f"/live/sse?topics={topic}", f"/api/v1/events/?topic={topic}"):
            async with stranger.http.get(stack.url + path, headers=stranger.headers) as answer:
                assert answer.status == 403
