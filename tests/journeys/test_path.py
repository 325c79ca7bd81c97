"""One change, seen live, notified and delivered."""

import json
import re

from standardwebhooks.webhooks import Webhook


async def test_what_alice_publishes_is_seen_live_by_bob(people):
    alice, bob = people("alice"), people("bob")
    feed = await alice.feed()
    async with bob.live() as page:
        subscribed = await page.subscribe("home", "me")
        assert f"feeds.{feed['id']}" in subscribed["topics"]
        entry = await alice.publish("Seen live")
        [event] = await page.events("feeds.entry.published")
    assert event["data"]["entry"] == {name: value for name, value in entry.items() if name != "liked"}
    assert event["topic"] == f"feeds.{feed['id']}"
    assert (await bob.call("GET", f"entries/{entry['id']}/"))["text"] == "Seen live"


async def test_what_is_published_by_the_page_form_is_the_same(stack, people, http_session):
    alice, bob = people("alice"), people("bob")
    feed = await alice.feed()
    await http_session.sign_in("alice")
    async with bob.live() as page:
        await page.subscribe(f"feeds.{feed['id']}")
        await http_session.post("/", {"text": "By the form", "visibility": "public"})
        [event] = await page.events("feeds.entry.published")
    assert event["data"]["entry"]["text"] == "By the form"


async def test_bobs_like_changes_alices_badge_live(people):
    alice, bob = people("alice"), people("bob")
    entry = await alice.publish("Like me")
    async with alice.live() as page:
        await page.subscribe("me")
        before = (await alice.call("GET", "notifications/"))["unread_count"]
        liked = await bob.call("PUT", f"entries/{entry['id']}/like/")
        [event] = await page.events("notifications.notification.created")
    assert (liked["liked"], liked["like_count"]) == (True, 1)
    assert event["data"]["unread_count"] == before + 1
    notification = event["data"]["notification"]
    assert (notification["kind"], notification["actors"][0]["username"]) == ("like", "bob")
    assert notification["subject"]["id"] == str(entry["id"])


async def test_a_webhook_gets_a_cloud_event_that_the_official_library_verifies(people, receiver):
    alice = people("alice")
    endpoint = await alice.call(
        "POST", "webhooks/endpoints/", 201, url=receiver.url, event_types=["feeds.entry.published"]
    )
    entry = await alice.publish("For machines")
    [request] = await receiver.wait(1)
    event = Webhook(endpoint["secret"]).verify(request["body"], request["headers"])
    assert event["data"]["entry"]["id"] == entry["id"]
    assert event["id"] == request["headers"]["webhook-id"]
    assert request["headers"]["Content-Type"] == "application/cloudevents+json"
    assert json.loads(request["body"])["specversion"] == "1.0"
    await alice.call("DELETE", f"webhooks/endpoints/{endpoint['id']}/")


async def test_a_receiver_that_fails_is_tried_again_by_the_schedule(people, receiver):
    alice = people("alice")
    receiver.statuses = [500]
    endpoint = await alice.call(
        "POST", "webhooks/endpoints/", 201, url=receiver.url, event_types=["feeds.entry.published"]
    )
    await alice.publish("Twice")
    first, second = await receiver.wait(2)
    assert 4.0 <= second["at"] - first["at"] <= 6.0
    assert first["headers"]["webhook-id"] == second["headers"]["webhook-id"]
    assert (first["headers"]["tidewire-attempt"], second["headers"]["tidewire-attempt"]) == ("1", "2")
    deliveries = await alice.call("GET", f"webhooks/deliveries/?endpoint={endpoint['id']}")
    delivery = await settled(alice, deliveries["results"][0]["id"])
    assert (delivery["status"], delivery["attempts"]) == ("succeeded", 2)
    attempts = await alice.call("GET", f"webhooks/deliveries/{delivery['id']}/attempts/")
    assert [attempt["status_code"] for attempt in attempts["results"]] == [204, 500]
    await alice.call("DELETE", f"webhooks/endpoints/{endpoint['id']}/")


async def settled(person, delivery_id):
    """Return the delivery once its last try is recorded: the receiver hears of it a moment before."""
    while (found := await person.call("GET", f"webhooks/deliveries/{delivery_id}/"))["status"] == "pending":
        pass
    return found


async def test_the_long_poll_wakes_for_the_same_event(people):
    import asyncio

    alice, bob = people("alice"), people("bob")
    feed = await alice.feed()
    start = await bob.call("GET", f"events/?topic=feeds.{feed['id']}")
    poll = asyncio.create_task(bob.call("GET", f"events/?topic=feeds.{feed['id']}&after={start['cursor']}&wait=25"))
    await asyncio.wait([poll], timeout=0.3)
    entry = await alice.publish("Polled")
    answer = await asyncio.wait_for(poll, 10)
    assert [event["data"]["entry"]["id"] for event in answer["events"]] == [entry["id"]]
    assert answer["reset"] is None


async def test_the_page_carries_the_cursor_from_which_it_goes_on(stack, http_session):
    await http_session.sign_in("bob")
    page = await http_session.get("/")
    assert re.search(r'data-cursor="[a-z0-9]+-[0-9]+"', page)
    assert "Seen live" in page or "Hello" in page
