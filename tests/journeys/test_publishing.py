"""An event that a client publishes: its way from a grant to a socket and a webhook."""

import json

import pytest
from websockets.exceptions import ConnectionClosed

from tests.journeys.conftest import live, manage

CLOUD_EVENT = {
    "specversion": "1.0",
    "id": "order-1",
    "source": "/shop",
    "type": "orders.order.placed",
    "topic": "orders.1",
    "data": {"total": 7},
}
DECLARE = """
from events.models import DeclaredType
DeclaredType.objects.get_or_create(name="orders.order.placed", defaults={"summary": "An order was placed."})
"""


@pytest.fixture
async def granted(stack, people):
    """Let alice publish on orders.* and bob read there, until the test ends."""
    manage(stack, "shell", "-c", DECLARE)
    admin, given = people("admin"), []
    for name, right in (("alice", "publish"), ("bob", "read")):
        me = (await people(name).feed())["owner"]["id"]
        given.append(await admin.call("POST", "access/grants/", 201, user=me, topic="orders.*", right=right))
    yield [each["id"] for each in given]
    for each in given:
        await admin.call("DELETE", f"access/grants/{each['id']}/", 204)


async def publish(person, status, **headers):
    """Publish the event and return the answer."""
    headers = person.headers | {"Content-Type": "application/cloudevents+json"} | headers
    body = json.dumps(CLOUD_EVENT)
    async with person.http.post(f"{person.url}/api/v1/events/", data=body, headers=headers) as response:
        answer = await response.json()
        assert response.status == status, answer
        return answer


async def test_a_published_event_is_seen_live_and_by_a_webhook_with_its_own_id(people, granted, receiver):
    alice, bob = people("alice"), people("bob")
    endpoint = await bob.call("POST", "webhooks/endpoints/", 201, url=receiver.url, event_types=["orders.*"])
    async with bob.live() as page:
        await page.subscribe("orders.1")
        first = await publish(alice, 202, **{"Idempotency-Key": "order-1"})
        again = await publish(alice, 202, **{"Idempotency-Key": "order-1"})
        [event] = await page.events("orders.order.placed")
    assert first == again
    assert (event["id"], event["originid"], event["originsource"]) == (first["id"], "order-1", "/shop")
    [request] = await receiver.wait(1)
    assert json.loads(request["body"]) == event
    await bob.call("DELETE", f"webhooks/endpoints/{endpoint['id']}/")


async def test_carol_without_a_grant_neither_publishes_nor_reads(people, granted):
    carol = people("carol")
    assert (await publish(carol, 403))["code"] == "forbidden"
    async with carol.live() as page:
        await page.send(type="subscribe", id=1, topics=["orders.1"])
        assert (await page.frame("error"))["code"] == "forbidden"


async def test_a_grant_that_is_taken_back_ends_what_is_read_by_it_and_what_is_published(people, granted):
    admin, alice, bob = people("admin"), people("alice"), people("bob")
    async with bob.live() as page:
        await page.subscribe("orders.1")
        for grant in granted:
            await admin.call("DELETE", f"access/grants/{grant}/", 204)
        assert (await page.frame("revoked"))["topics"] == ["orders.1"]
    assert (await publish(alice, 403))["code"] == "forbidden"


async def test_over_a_socket_one_publishes_with_the_same_rights_and_once_for_a_key(people, granted):
    event = {"type": "orders.order.placed", "topic": "orders.1", "data": {"total": 7}}
    async with people("bob").live() as reader, people("alice").live() as writer:
        await reader.subscribe("orders.1")
        answers = []
        for id in ("p1", "p2"):
            await writer.send(type="publish", id=id, event=event, idempotency_key="by-socket")
            answers.append(await writer.frame("published"))
        [told] = await reader.events("orders.order.placed")
        await reader.send(type="publish", id="p3", event=event)
        assert (await reader.frame("error"))["code"] == "forbidden"
    assert [answer["id"] for answer in answers] == ["p1", "p2"]
    assert {answer["event"]["id"] for answer in answers} == {told["id"]}


async def test_a_ticket_opens_one_socket(stack, people):
    made = await people("alice").call("POST", "live/ticket/", 201)
    url = f"{stack.url}?ticket={made['ticket']}"
    async with live(url, {"Origin": "https://other.example"}) as page:
        assert (await page.subscribe("me"))["topics"]
    with pytest.raises(ConnectionClosed) as closed:
        async with live(url):
            pass
    assert closed.value.rcvd.code == 4401
