from xml.etree import ElementTree

import pytest

from access import actions as access
from events import log
from feeds import actions, moderation, syndication
from feeds.models import Entry, Feed

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def club(alice):
    return Feed.objects.create(owner=alice, slug="club", title="Club", visibility="followers")


def atom(client, slug="alice"):
    response = client.get(f"/feeds/{slug}/atom/")
    assert response.status_code == 200 and response.headers["content-type"].startswith("application/atom+xml")
    return ElementTree.fromstring(response.content)


def texts(feed, name):
    return [each.findtext(f"{ATOM}{name}") for each in feed.iter(f"{ATOM}entry")]


def deeds(client, slug="alice"):
    """Return all that is in the outbox, page by page."""
    url, found = client.get(f"/feeds/{slug}/outbox").json()["first"], []
    while url:
        page = client.get(url.removeprefix("http://localhost:8000")).json()
        assert page["type"] == "OrderedCollectionPage" and page["partOf"].endswith(f"/feeds/{slug}/outbox")
        found += page["orderedItems"]
        url = page.get("next")
    return found


# -- Atom -----------------------------------------------------------------------------------------------------------


def test_a_public_feed_is_an_atom_feed_of_its_public_entries(client, publish, bob):
    publish("First & <b>bold</b>\nSecond line")
    publish("For few", visibility="followers")
    gone, hidden = publish("Gone"), publish("Hidden")
    gone.delete()
    moderation.hide(hidden, by=bob, reason="Spam")
    feed = atom(client)
    assert feed.findtext(f"{ATOM}title") == "alice"
    assert texts(feed, "title") == ["First & <b>bold</b>"]
    assert texts(feed, "summary") == ["<p>First &amp; &lt;b&gt;bold&lt;/b&gt;<br>Second line</p>"]
    entry = Entry.objects.order_by("pk").first()
    assert texts(feed, "id") == [f"http://localhost:8000/entries/{entry.pk}/"]


def test_it_is_not_sent_again_until_something_changes(client, feed, publish):
    for make in (lambda: publish("One"), lambda: publish("Two")):
        seen = client.get("/feeds/alice/atom/")
        again = client.get("/feeds/alice/atom/", headers={"If-None-Match": seen.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        make()
        again = client.get("/feeds/alice/atom/", headers={"If-None-Match": seen.headers["ETag"]})
        assert again.status_code == 200


def test_what_xml_cannot_write_is_replaced(client, publish):
    publish("\x1b[31mred\ufffe \u202eevil \U0001f30a ]]> &amp;")
    assert texts(atom(client), "title") == ["\ufffd[31mred\ufffd \u202eevil \U0001f30a ]]> &amp;"]


def test_a_long_line_makes_a_short_title(client, publish):
    publish("x" * 200)
    assert texts(atom(client), "title") == ["x" * 79 + "\u2026"]


@pytest.mark.parametrize("path", ["atom/", "outbox"])
def test_what_is_not_public_is_not_syndicated_to_anybody(client, club, alice, path):
    client.force_login(alice)
    for slug in ("club", "nobody", "%00", "x" * 500):
        assert client.get(f"/feeds/{slug}/{path}").status_code == 404


def test_it_says_nothing_else_to_who_is_signed_in(client, alice, bob, publish):
    publish("For few", visibility="followers")
    public = publish("For all")
    access.block(alice, bob)
    client.force_login(bob)
    assert texts(atom(client), "title") == ["For all"]
    assert [deed["object"]["content"] for deed in deeds(client)] == [public.text]


@pytest.mark.parametrize("path", ["atom/", "outbox?before=999"])
def test_it_costs_the_same_however_long_it_is(client, bob, publish, query_count, path):
    publish("@bob")
    client.get(f"/feeds/alice/{path}")
    few = query_count(lambda: client.get(f"/feeds/alice/{path}"))
    for _ in range(5):
        publish("@bob")
    assert query_count(lambda: client.get(f"/feeds/alice/{path}")) <= few


# -- ActivityStreams ------------------------------------------------------------------------------------------------


def test_the_outbox_says_what_was_made_and_what_was_taken_back(client, alice, bob, publish):
    gone, kept = publish("Gone"), publish("Hi @bob")
    gone.delete()
    actions.like_entry(kept, by=bob)
    made, ended = deeds(client)
    url = f"http://localhost:8000/entries/{kept.pk}/"
    assert (made["type"], made["actor"]["id"]) == ("Create", "http://localhost:8000/feeds/alice/")
    assert made["to"] == ["https://www.w3.org/ns/activitystreams#Public"]
    note = made["object"]
    assert (note["type"], note["id"], note["content"]) == ("Note", url, "Hi @bob")
    assert note["tag"] == [{"type": "Mention", "href": "http://localhost:8000/feeds/bob/", "name": "@bob"}]
    assert (note["likes"]["totalItems"], "updated" in note) == (1, False)
    assert ended["type"] == "Delete" and "actor" not in ended
    tombstone = ended["object"]
    assert (tombstone["type"], tombstone["formerType"]) == ("Tombstone", "Note") and "content" not in tombstone


def test_the_outbox_is_read_page_by_page_each_entry_once(client, feed, alice, monkeypatch):
    monkeypatch.setattr(syndication, "PAGE", 2)
    entries = actions.publish_entries(feed, [str(number) for number in range(7)])
    for entry in entries[1::3]:
        Entry.objects.get(pk=entry.pk).delete()
    assert [int(deed["object"]["id"].split("/")[-2]) for deed in deeds(client)] == [each.pk for each in entries[::-1]]


def numbers(page):
    return [int(deed["object"]["id"].split("/")[-2]) for deed in page["orderedItems"]]


def there_and_back(first, read):
    """Go through the pages to the last one and back again; return what was on each, there and back."""
    there, back, page = [], [], read(first)
    while page:
        there.append(page[0])
        last, page = page, page[2] and read(page[2])
    while last:
        back.append(last[0])
        last = last[1] and read(last[1])
    return there, back


@pytest.fixture
def several(feed, monkeypatch):
    monkeypatch.setattr(syndication, "PAGE", 2)
    return [entry.pk for entry in actions.publish_entries(feed, [str(number) for number in range(5)])]


def test_the_outbox_is_read_back_and_forth(client, several):
    def read(url):
        page = client.get(url.removeprefix("http://localhost:8000")).json()
        assert page["id"] == url and page["partOf"] == "http://localhost:8000/feeds/alice/outbox"
        return numbers(page), page.get("prev"), page.get("next")

    a, b, c, d, e = several
    there, back = there_and_back(client.get("/feeds/alice/outbox").json()["first"], read)
    assert (there, back) == ([[e, d], [c, b], [a]], [[a], [c, b], [e, d]])


def test_the_atom_feed_is_read_back_and_forth(client, several):
    def read(url):
        root = ElementTree.fromstring(client.get(url.removeprefix("http://localhost:8000")).content)
        links = {each.get("rel"): each.get("href") for each in root.findall(f"{ATOM}link")}
        found = [int(each.text.split("/")[-2]) for each in root.findall(f"{ATOM}entry/{ATOM}id")]
        return found, links.get("previous"), links.get("next")

    a, b, c, d, e = several
    there, back = there_and_back("/feeds/alice/atom/", read)
    assert (there, back) == ([[e, d], [c, b], [a]], [[a], [c, b], [e, d]])


def test_after_the_last_and_before_the_first_there_is_an_empty_page_with_a_way_back(client, several):
    empty = client.get("/feeds/alice/outbox", {"after": several[-1]}).json()
    assert (empty["orderedItems"], "prev" in empty) == ([], False)
    assert numbers(client.get(empty["next"].removeprefix("http://localhost:8000")).json()) == several[:-3:-1]
    empty = client.get("/feeds/alice/outbox", {"before": several[0]}).json()
    assert (empty["orderedItems"], "next" in empty) == ([], False)
    assert numbers(client.get(empty["prev"].removeprefix("http://localhost:8000")).json()) == several[1::-1]


@pytest.mark.parametrize("path", ["outbox", "atom/"])
@pytest.mark.parametrize("name", ["before", "after"])
@pytest.mark.parametrize("number", ["", "x", "-1", "1" * 30, "\u0663"])
def test_what_is_no_page_is_404(client, feed, path, name, number):
    assert client.get(f"/feeds/alice/{path}", {name: number}).status_code == 404
    assert client.get(f"/feeds/alice/{path}", {name: "9" * 19}).status_code == 200


def test_the_collection_has_its_type_and_the_cursor(client, feed):
    response = client.get("/feeds/alice/outbox")
    assert response.headers["content-type"] == "application/activity+json"
    assert response.headers["Tidewire-Cursor"] == str(log.head().cursor)
    assert response.json()["type"] == "OrderedCollection"
    assert client.post("/feeds/alice/outbox").status_code == 405
