import pytest
from django.db import connection

from access import actions as access
from feeds import actions, moderation
from feeds.models import Comment, Entry, Feed, words
from feeds.views import search


@pytest.fixture
def find(api):
    """Search; return the texts or titles found."""

    def find(user, q, **more):
        response = api(user).get("/api/v1/search/", {"q": q, **more})
        assert response.status_code == 200, response.content
        return [each.get("text") or each["title"] for each in response.json()["results"]]

    return find


@pytest.mark.parametrize(
    ("q", "is_found"),
    [
        ("tide", True),
        ("TIDE rises", True),
        ("rises tide", True),
        ("ti ris", True),
        ("tide falls", False),
        ("ide", False),
        ("na\u00efve", True),
        ("\u6f6e", True),
        ("example", True),
        ("www.example.org", True),
        ("foo_bar", True),
        ("it's", True),
        ("' & | ! :* <-> \\ tide", True),
        ("'); DROP TABLE feeds_entry; --", False),
        ("!!!", False),
        ("\u202e", False),
    ],
)
def test_every_word_must_be_the_beginning_of_one(find, publish, q, is_found):
    text = "The Tide rises: na\u00efve \u6f6e\u6c34, see https://www.example.org/foo_bar/ it's so"
    publish(text)
    publish("Something else")
    assert find(None, q) == ([text] if is_found else [])


@pytest.mark.parametrize(
    ("params", "field"),
    [({}, "q"), ({"q": ""}, "q"), ({"q": "x" * 201}, "q"), ({"q": "a\0"}, "q"), ({"q": "a", "type": "user"}, "type")],
)
def test_what_cannot_be_searched_for_is_named(api, db, params, field):
    response = api().get("/api/v1/search/", params)
    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, field)


def test_many_long_words_are_cut_to_a_bound(find, publish):
    publish(" ".join(f"w{number}" for number in range(20)))
    assert len(find(None, " ".join(f"w{number}" for number in range(40))[:200])) == 1


def test_only_what_one_may_read_and_wants_to_see_is_found(find, alice, bob, mallory, carol, publish):
    publish("tide for few", visibility="followers")
    everyone = publish("tide for all")
    assert find(bob, "tide") == ["tide for all", "tide for few"]
    assert find(mallory, "tide") == find(None, "tide") == ["tide for all"]
    access.block(alice, mallory)
    assert find(mallory, "tide") == [] and find(None, "tide") == ["tide for all"]
    actions.dismiss_entry(everyone, by=bob)
    assert find(bob, "tide") == ["tide for few"]
    moderation.hide(everyone, by=carol, reason="Spam")
    assert find(None, "tide") == []
    moderation.restore(everyone)
    everyone.delete()
    assert find(None, "tide") == []


def test_comments_and_feeds_are_found_alike(find, alice, bob, mallory, publish):
    secret = publish("Hello", visibility="followers")
    actions.comment_on(secret, by=bob, text="tide in secret")
    actions.comment_on(publish("Hello"), by=bob, text="tide for all")
    Feed.objects.create(owner=alice, slug="club", title="The tide", description="High water", visibility="followers")
    assert find(bob, "tide", type="comment") == ["tide for all", "tide in secret"]
    assert find(None, "tide", type="comment") == ["tide for all"]
    for q in ("tide", "club", "water high"):
        assert find(bob, q, type="feed") == ["The tide"]
        assert find(None, q, type="feed") == []
    access.block(alice, mallory)
    assert find(mallory, "tide", type="feed") == []


def test_what_is_found_comes_in_pages(api, publish):
    for number in range(5):
        publish(f"tide {number}")
    client, texts, url = api(), [], "/api/v1/search/?q=tide&page_size=2"
    while url:
        page = client.get(url).json()
        texts += [each["text"] for each in page["results"]]
        url = page["next"]
    assert texts == [f"tide {number}" for number in (4, 3, 2, 1, 0)]


def test_a_page_costs_the_same_however_much_is_found(api, publish, bob, query_count):
    client = api()
    publish("tide @bob")
    few = query_count(lambda: client.get("/api/v1/search/?q=tide"))
    for _ in range(5):
        publish("tide @bob")
    assert query_count(lambda: client.get("/api/v1/search/?q=tide")) == few


def test_a_search_that_takes_too_long_is_ended_and_said_to_be_so(api, publish, monkeypatch):
    publish("tide")
    monkeypatch.setattr(words, "TIMEOUT_MS", 1)
    monkeypatch.setattr(search, "_entries", lambda user: None)
    slow = Entry.objects.extra(where=["pg_sleep(1) IS NULL"]).for_viewer(
        type("Nobody", (), {"is_authenticated": False, "pk": None})
    )
    monkeypatch.setitem(search.TYPES, "entry", (lambda user: slow, search.EntrySerializer))
    response = api().get("/api/v1/search/?q=tide")
    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "q")


@pytest.mark.parametrize(
    ("rows", "index"),
    [
        (lambda: Entry.objects.alive().with_words("needle"), "feeds_entry_words"),
        (lambda: Comment.objects.alive().with_words("needle"), "feeds_comment_words"),
        (lambda: Feed.objects.with_words("needle"), "feeds_feed_words"),
    ],
)
def test_words_are_looked_up_in_an_index(feed, alice, publish, rows, index):
    entry = publish("needle")
    Entry.objects.bulk_create(Entry(feed=feed, author=alice, text=f"hay {n}") for n in range(3000))
    Comment.objects.bulk_create(Comment(entry=entry, author=alice, text=f"hay {n}") for n in range(3000))
    Feed.objects.bulk_create(Feed(owner=alice, slug=f"hay{n}", title="hay") for n in range(3000))
    with connection.cursor() as cursor:
        for table in ("entry", "comment", "feed"):
            cursor.execute(f"ANALYZE feeds_{table}")
    assert index in rows().order_by("-id")[:50].explain()
