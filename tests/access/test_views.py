import asyncio
import time

import jsonschema
import pytest
from asgiref.sync import sync_to_async
from django.contrib.sessions.models import Session
from django.test import AsyncClient

from access import keys
from config import rest
from events import catalogue, relay
from events import log as event_log
from events.live import hub as live
from events.models import Event, LogHead
from feeds import actions
from feeds.models import Feed

URL = "/api/v1/events/"


@pytest.fixture
def poll(api):
    """Ask for events as a user; return the answer's body."""

    def ask(user=None, **params):
        response = api(user).get(URL, params)
        assert response.status_code == 200, response.content
        return response.json()

    return ask


@pytest.fixture
def start(log):
    """Let everything before reach the log and return the cursor after it."""

    def cursor():
        log()
        return str(LogHead.objects.get())

    return cursor


def texts(body):
    return [event["data"]["entry"].get("text") for event in body["events"]]


def test_an_answer_has_events_a_cursor_the_head_and_no_reset(poll, feed, publish, start):
    after = start()
    entry = publish("Hello")
    head = start()
    body = poll(topic=f"feeds.{feed.pk}", after=after)
    assert set(body) == {"events", "cursor", "head", "reset"}
    assert (body["cursor"], body["head"], body["reset"]) == (head, head, None)
    [event] = body["events"]
    assert (event["type"], event["topic"], event["subject"]) == (
        "feeds.entry.published",
        f"feeds.{feed.pk}",
        f"entries/{entry.pk}",
    )
    assert event["cursor"] == head and event["previous"].endswith("-0")


def test_without_a_cursor_it_starts_at_the_head(poll, feed, publish, start):
    publish("Before")
    head = start()
    body = poll(topic=f"feeds.{feed.pk}")
    assert (body["events"], body["cursor"]) == ([], head)


def test_paging_by_the_cursor_gives_all_in_order_over_several_topics(poll, alice, bob, feed, start):
    other, after = Feed.objects.create(owner=alice, slug="news", title="News"), start()
    for number in range(7):
        actions.publish_entry([feed, other][number % 2], by=alice, text=str(number))
    start()
    found = []
    for _ in range(4):
        body = poll(bob, topic=f"feeds.{feed.pk},feeds.{other.pk}", after=after, limit=2)
        assert len(body["events"]) <= 2
        found, after = found + texts(body), body["cursor"]
    assert found == list("0123456") and body["cursor"] == body["head"]


def test_the_parameter_topic_may_come_several_times(api, bob, feed, publish, start):
    after = start()
    publish("Hello")
    start()
    response = api(bob).get(f"{URL}?topic=me&topic=feeds.{feed.pk}&after={after}")
    assert texts(response.json()) == ["Hello"]


@pytest.mark.parametrize(
    ("types", "count"),
    [("feeds.entry.*", 3), ("feeds.entry.deleted", 1), ("feeds.comment.*", 0), ("*", 3), ("", 3), ("x.y,feeds.*", 3)],
)
def test_only_the_types_asked_for_come(poll, feed, publish, start, types, count):
    after = start()
    publish("Kept")
    publish("Taken back").delete()
    start()
    body = poll(topic=f"feeds.{feed.pk}", after=after, types=types)
    assert len(body["events"]) == count
    assert body["cursor"] == body["head"]


def test_a_rare_type_is_looked_for_over_several_pages_of_the_log(poll, feed, start, alice):
    after = start()
    entries = actions.publish_entries(feed, "abcdefgh")
    entries[0].delete()
    start()
    body = poll(topic=f"feeds.{feed.pk}", after=after, types="feeds.entry.deleted", limit=3)
    assert [event["type"] for event in body["events"]] == ["feeds.entry.deleted"]


def test_one_answer_looks_through_a_bounded_part_of_the_log(poll, feed, start):
    after = start()
    actions.publish_entries(feed, "abcdefghijklmnopqrstuvwxyz")
    start()
    body = poll(topic=f"feeds.{feed.pk}", after=after, types="feeds.entry.deleted", limit=1)
    assert body["events"] == [] and body["cursor"] != body["head"]
    assert int(body["cursor"].split("-")[1]) == int(after.split("-")[1]) + 10


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"topic": ""}, "topic"),
        ({"topic": "feeds 1"}, "topic"),
        ({"topic": "x" * 90}, "topic"),
        ({"topic": "tide.😀"}, "topic"),
        ({"topic": "feeds.1\0"}, "topic"),
        ({"after": ""}, "after"),
        ({"after": "abc"}, "after"),
        ({"after": "abcdef--1"}, "after"),
        ({"after": "abcdef-99999999999999999999"}, "after"),
        ({"types": "feeds.entry*"}, "types"),
        ({"types": "Feeds.Entry"}, "types"),
        ({"wait": "31"}, "wait"),
        ({"wait": "-1"}, "wait"),
        ({"wait": ""}, "wait"),
        ({"wait": "1.5"}, "wait"),
        ({"wait": "000000000099999"}, "wait"),
        ({"wait": "9" * 5000}, "wait"),
        ({"limit": "0"}, "limit"),
        ({"limit": "1001"}, "limit"),
        ({"limit": "٣"}, "limit"),
        ({"limit": "0" * 5000 + "1"}, "limit"),
    ],
)
def test_what_is_badly_formed_is_400_and_named(api, bob, feed, params, field):
    response = api(bob).get(URL, {"topic": f"feeds.{feed.pk}"} | params)
    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, field)


def test_too_many_topics_are_refused(api, bob, settings):
    settings.TIDEWIRE_SUBSCRIPTION_MAX_TOPICS = 2
    assert api(bob).get(URL, {"topic": "home"}).status_code == 400


def test_a_topic_that_may_not_be_read_refuses_the_whole(api, alice, bob, mallory, feed):
    followers = f"feeds.{feed.pk}.followers"
    for user, topic, status in [
        (alice, followers, 200),
        (bob, followers, 200),
        (mallory, followers, 403),
        (None, followers, 403),
        (mallory, f"users.{alice.pk}", 403),
        (alice, f"users.{alice.pk}", 200),
        (alice, "other.topic", 403),
    ]:
        response = api(user).get(URL, {"topic": f"feeds.{feed.pk},{topic}"})
        assert (topic, response.status_code) == (topic, status)


@pytest.mark.parametrize("alias", ["home", "me"])
def test_an_alias_needs_somebody(api, feed, alias):
    response = api().get(URL, {"topic": f"feeds.{feed.pk},{alias}"})
    assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")
    assert "WWW-Authenticate" in response.headers


def test_home_is_what_one_follows_and_me_is_oneself(poll, bob, mallory, publish, start):
    after = start()
    publish("For all")
    publish("For followers", visibility="followers")
    start()
    assert texts(poll(bob, topic="home", after=after)) == ["For all", "For followers"]
    assert poll(mallory, topic="home", after=after)["events"] == []
    assert poll(bob, topic="me", after=after)["events"] == []


def test_a_cursor_of_another_log_is_reset(poll, feed, start):
    head = start()
    body = poll(topic=f"feeds.{feed.pk}", after="zzzzzz-1", wait=5)
    assert body == {"events": [], "cursor": head, "head": head, "reset": "epoch"}


def test_a_cursor_past_retention_is_reset(poll, feed, publish, start):
    after = start()
    publish()
    head = start()
    LogHead.objects.update(pruned=int(after.split("-")[1]) + 1)
    assert poll(topic=f"feeds.{feed.pk}", after=after, wait=5)["reset"] == "retention"
    assert poll(topic=f"feeds.{feed.pk}", after=head)["reset"] is None


def test_events_pruned_while_the_page_was_read_are_a_reset(poll, feed, publish, start, monkeypatch):
    after = start()
    publish()
    start()
    page = event_log.page

    def prune_then_read(*args, **kwargs):
        Event.objects.all().delete()
        LogHead.objects.update(pruned=LogHead.objects.get().position)
        return page(*args, **kwargs)

    monkeypatch.setattr("events.log.page", prune_then_read)
    assert poll(topic=f"feeds.{feed.pk}", after=after)["reset"] == "retention"


def test_other_methods_are_405(api, alice):
    assert api(alice).delete(URL).status_code == 405
    assert api(alice).put(URL, {}).status_code == 405


# -- Waiting ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def ask():
    """Ask through the asynchronous server; returns the body and the seconds it took."""

    async def get(user, **params):
        headers = {"Authorization": f"Bearer {await sync_to_async(keys.mint)(user)}"}
        begin = time.monotonic()
        response = await AsyncClient().get(URL, params, headers=headers)
        return response.json(), time.monotonic() - begin

    return get


async def publish_and_refresh(feed, text, **fields):
    hub = await live.current_hub()
    await sync_to_async(actions.publish_entry)(feed, by=feed.owner, text=text, **fields)
    await sync_to_async(relay.run)()
    await hub.refresh()


@pytest.fixture
async def quiet_hub():
    """End the hub of this test's loop."""
    yield
    await live.stop_hub()


@pytest.mark.django_db(transaction=True)
async def test_waiting_returns_at_once_when_something_is_there(ask, quiet_hub, feed, bob):
    await sync_to_async(relay.run)()
    after = str(await LogHead.objects.aget())
    await publish_and_refresh(feed, "There")
    body, seconds = await ask(bob, topic="home", after=after, wait=20)
    assert texts(body) == ["There"] and seconds < 2


@pytest.mark.django_db(transaction=True)
async def test_waiting_wakes_when_an_event_comes(ask, quiet_hub, feed, bob):
    await sync_to_async(relay.run)()
    waiting = asyncio.create_task(ask(bob, topic="home", wait=20))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    await publish_and_refresh(feed, "Now")
    body, seconds = await waiting
    assert texts(body) == ["Now"] and 0.2 < seconds < 5
    assert body["cursor"] == body["events"][0]["cursor"]


@pytest.mark.django_db(transaction=True)
async def test_what_is_of_another_type_does_not_end_the_wait(ask, quiet_hub, feed, bob):
    await sync_to_async(relay.run)()
    waiting = asyncio.create_task(ask(bob, topic="home", types="feeds.comment.*", wait=1))
    await asyncio.sleep(0.2)
    await publish_and_refresh(feed, "Not asked for")
    body, seconds = await waiting
    assert body["events"] == [] and seconds >= 0.9
    assert body["cursor"] == body["head"]


@pytest.mark.django_db(transaction=True)
async def test_a_cursor_ahead_waits_a_moment_for_the_log_and_is_then_reset(ask, quiet_hub, feed, bob):
    await sync_to_async(relay.run)()
    head = await LogHead.objects.aget()
    body, seconds = await ask(bob, topic="home", after=f"{head.epoch}-{head.position + 5}")
    assert body["reset"] == "ahead" and 0.5 < seconds < 3


@pytest.mark.django_db(transaction=True)
async def test_a_right_that_ends_while_waiting_shows_nothing_more(ask, quiet_hub, feed, bob):
    await sync_to_async(relay.run)()
    waiting = asyncio.create_task(ask(bob, topic=f"feeds.{feed.pk}.followers", wait=20))
    await asyncio.sleep(0.3)
    await sync_to_async(actions.unfollow_feed)(feed, by=bob)
    await publish_and_refresh(feed, "Secret", visibility="followers")
    body, _ = await waiting
    assert body["status"] == 403


@pytest.mark.django_db(transaction=True)
async def test_who_signs_out_while_waiting_is_shown_nothing_more(quiet_hub, feed, bob):
    await sync_to_async(relay.run)()
    client = AsyncClient()
    await client.aforce_login(bob)
    waiting = asyncio.create_task(client.get(URL, {"topic": f"feeds.{feed.pk}.followers", "wait": 20}))
    hub = await live.current_hub()
    while not hub.index:
        await asyncio.sleep(0.01)
    await sync_to_async((await Session.objects.aget()).delete)()
    await publish_and_refresh(feed, "Secret", visibility="followers")
    response = await asyncio.wait_for(waiting, 5)
    assert response.status_code in (401, 403)


@pytest.mark.django_db(transaction=True)
async def test_a_wait_counts_as_one_request_against_the_limit(ask, quiet_hub, feed, bob, monkeypatch):
    monkeypatch.setattr(rest.UserThrottle, "THROTTLE_RATES", {"user": "1/min"})
    body, _ = await ask(bob, topic="home", wait=1)
    assert body["reset"] is None
    assert (await ask(bob, topic="home"))[0]["status"] == 429


# -- The catalogue ----------------------------------------------------------------------------------------------------


def test_the_catalogue_lists_every_type_with_its_schema(api, db):
    body = api().get("/api/v1/event-types/").json()
    assert [each["type"] for each in body["results"]] == [each.name for each in catalogue.event_types()]
    assert {"feeds.entry.published", "notifications.notification.created"} <= {each["type"] for each in body["results"]}
    for each in body["results"]:
        jsonschema.Draft202012Validator.check_schema(each["schema"])


def test_one_type_is_described_and_an_unknown_one_is_not_found(api, db):
    body = api().get("/api/v1/event-types/feeds.entry.published/").json()
    assert (body["type"], body["version"], bool(body["summary"])) == ("feeds.entry.published", 1, True)
    response = api().get("/api/v1/event-types/feeds.entry.eaten/")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


def test_the_schema_stands_where_every_event_says(poll, client, feed, publish, start):
    after = start()
    publish()
    start()
    [event] = poll(topic=f"feeds.{feed.pk}", after=after)["events"]
    response = client.get("/" + event["dataschema"].removeprefix(event["source"]))
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/schema+json")
    jsonschema.validate(event["data"], response.json())


@pytest.mark.parametrize("path", ["feeds.entry.published/2", "feeds.entry.eaten/1", "x/1"])
def test_a_schema_that_is_none_is_not_found(client, db, path, settings):
    loaders = [("django.template.loaders.locmem.Loader", {"error.html": "{{ detail }}"})]
    [engine] = settings.TEMPLATES
    settings.TEMPLATES = [{"BACKEND": engine["BACKEND"], "OPTIONS": engine["OPTIONS"] | {"loaders": loaders}}]
    assert client.get(f"/schemas/{path}").status_code == 404


def test_what_happens_after_the_rights_were_asked_for_is_left_to_the_next_look(poll, start, publish, feed, monkeypatch):
    cursor, authorise = start(), catalogue.authorise

    def slowly(*args, **kwargs):
        topics = authorise(*args, **kwargs)
        publish("Too late")
        relay.run()
        return topics

    monkeypatch.setattr(catalogue, "authorise", slowly)
    answer = poll(topic=f"feeds.{feed.pk}", after=cursor)
    assert (answer["events"], answer["cursor"]) == ([], cursor)
