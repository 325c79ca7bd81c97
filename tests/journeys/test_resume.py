"""Who was away gets exactly what was missed, or is told that this cannot be."""

from tests.journeys.conftest import answering, manage


async def test_a_subscription_over_several_topics_resumes_exactly(people):
    alice, bob = people("alice"), people("bob")
    feed = await alice.feed()
    topics = [f"feeds.{feed['id']}", "me"]
    async with alice.live() as page:
        await page.subscribe(*topics)
        entry = await alice.publish("Before")
        await page.events("feeds.entry.published")
        cursor = page.cursor

    texts = [f"Missed {number}" for number in range(5)]
    for text in texts[:3]:
        await alice.publish(text)
    await bob.call("PUT", f"entries/{entry['id']}/like/")
    for text in texts[3:]:
        await alice.publish(text)
    everything = await wait_for_log(alice, topics, cursor, "notifications.notification.created", texts[-1])

    async with alice.live() as page:
        subscribed = await page.subscribe(*topics, after=cursor)
        assert subscribed["cursor"] == cursor
        missed = await page.events(count=len(everything))
        assert [event["cursor"] for event in missed] == [event["cursor"] for event in everything]
        positions = [int(event["cursor"].split("-")[1]) for event in missed]
        assert positions == sorted(set(positions))
        published = [event["data"]["entry"]["text"] for event in missed if event["type"] == "feeds.entry.published"]
        assert published == texts
        await alice.publish("Live again")
        [event] = await page.events()
        assert event["data"]["entry"]["text"] == "Live again"


async def wait_for_log(person, topics, cursor, type, text):
    """Return what the log has after the cursor, once it holds a type and a text: the oracle of what was missed."""
    while True:
        found = await person.call("GET", f"events/?topic={','.join(topics)}&after={cursor}&limit=1000")
        events = found["events"]
        texts = [event["data"]["entry"].get("text") for event in events if "entry" in event["data"]]
        if text in texts and any(event["type"] == type for event in events):
            return events


async def test_a_cursor_of_another_epoch_or_ahead_of_the_head_is_reset(people):
    bob = people("bob")
    async with bob.live() as page:
        start = await page.subscribe("me")
        epoch, position = start["head"].split("-")
        foreign, ahead = f"{epoch[::-1]}x-1", f"{epoch}-{int(position) + 999}"
        for id, cursor, reason in (("e", foreign, "epoch"), ("a", ahead, "ahead")):
            await page.subscribe("me", id=id, after=cursor)
            reset = await page.frame("reset")
            assert (reset["id"], reset["reason"]) == (id, reason)


async def test_a_cursor_past_retention_is_reset_and_the_subscription_goes_on(stack, people, database):
    alice, bob = people("alice"), people("bob")
    feed = await alice.feed()
    topic = f"feeds.{feed['id']}"
    old = (await bob.call("GET", f"events/?topic={topic}"))["cursor"]
    await alice.publish("To be pruned")
    async with bob.live() as page:
        await page.subscribe(topic, after=old)
        [event] = await page.events("feeds.entry.published")
    position = int(event["cursor"].split("-")[1])
    with database() as connection:
        # As if the log had been pruned up to there; the web process must have it in memory no more either.
        connection.execute("DELETE FROM events_event WHERE position <= %s", [position])
        connection.execute("UPDATE events_loghead SET pruned = %s", [position])
    stack.wait_restarted("web", stack.kill("web"))
    await answering(stack)
    async with bob.live() as page:
        await page.subscribe(topic, after=old)
        reset = await page.frame("reset")
        assert reset["reason"] == "retention"
        await alice.publish("After the reset")
        [event] = await page.events("feeds.entry.published")
        assert event["data"]["entry"]["text"] == "After the reset"
    poll = await bob.call("GET", f"events/?topic={topic}&after={old}")
    assert (poll["events"], poll["reset"]) == ([], "retention")


async def test_the_command_line_tails_the_same_log(stack, people):
    alice = people("alice")
    feed = await alice.feed()
    topic = f"feeds.{feed['id']}"
    start = await alice.call("GET", f"events/?topic={topic}")
    await alice.publish("On the command line")
    await alice.call("GET", f"events/?topic={topic}&after={start['cursor']}&wait=10")
    printed = manage(stack, "events", "tail", "--topic", topic, "--after", start["cursor"], "--once")
    assert "On the command line" in printed
