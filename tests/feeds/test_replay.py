"""State and events agree: an earlier list of a feed, with the events after it, is the later list."""

import random

import pytest

from feeds import actions
from feeds.models import Comment, Entry, Feed


def act(dice, feed, people):
    """Do one thing, at random, in the feed."""
    entries, comments = list(Entry.objects.alive().filter(feed=feed)), list(Comment.objects.filter(deleted_at=None))
    who, word = dice.choice(people), f"word {dice.random()}"
    entry = dice.choice(entries) if entries else None
    what = dice.choice(
        ["publish", "publish", "bulk", "edit", "delete", "like", "like", "unlike", "comment", "uncomment"]
    )
    if what == "bulk":
        actions.publish_entries(feed, [word, word])
    elif what == "publish" or entry is None:
        actions.publish_entry(feed, by=feed.owner, text=word)
    elif what == "edit":
        entry.text = word
        entry.save()
    elif what == "delete":
        entry.delete()
    elif what == "like":
        actions.like_entry(entry, by=who)
    elif what == "unlike":
        actions.unlike_entry(entry, by=who)
    elif what == "comment":
        actions.comment_on(entry, by=who, text=word)
    elif comments:
        dice.choice(comments).delete()


def apply(entries, event):
    """Bring a list of a feed up to date by one event, as a client does: what is older than what it has is dropped."""
    if not event["type"].startswith("feeds.entry."):
        return
    new, known = event["data"]["entry"], entries.get(event["data"]["entry"]["id"])
    if known is not None and new["version"] <= known["version"]:
        return
    if event["type"] == "feeds.entry.deleted":
        entries.pop(new["id"], None)
    elif event["type"] == "feeds.entry.published" or known is not None:
        entries[new["id"]] = (known or {}) | new


def read(client, feed):
    """Read the whole feed; return it by id, without what is the viewer's own, and the cursor of the first page."""
    response = client.get(f"/api/v1/feeds/{feed.pk}/entries/?page_size=200")
    entries = {
        each["id"]: {name: value for name, value in each.items() if name != "liked"}
        for each in response.json()["results"]
    }
    return entries, response.headers["Tidewire-Cursor"]


@pytest.mark.parametrize("seed", range(6))
def test_replaying_the_events_over_an_earlier_list_gives_the_later_one(api, feed, alice, bob, carol, log, seed):
    dice, client = random.Random(seed), api()
    feed = Feed.objects.get(pk=feed.pk)
    for _ in range(15):
        act(dice, feed, [alice, bob, carol])
    if seed % 2:
        # The log may be behind the rows: then events tell what the list holds already.
        log()
    entries, cursor = read(client, feed)
    for _ in range(40):
        act(dice, feed, [alice, bob, carol])
    log()
    url = f"/api/v1/events/?topic=feeds.{feed.pk}&limit=1000&after={cursor}"
    for event in client.get(url).json()["events"]:
        apply(entries, event)

    later, _ = read(client, feed)
    assert entries == later and later
