import pytest

from access import actions as access_actions
from feeds import actions
from feeds.models import Entry, words

pytestmark = pytest.mark.django_db

URL = "/search/"


def found(client, **asked):
    response = client.get(URL, asked)
    assert response.status_code == 200
    return [row.text for row in response.context["rows"]]


def test_without_words_there_is_a_field_and_nothing_else(client):
    response = client.get(URL)
    assert response.status_code == 200
    assert 'name="q"' in response.content.decode() and "Nothing found" not in response.content.decode()


def test_entries_that_have_every_word_are_found_newest_first(client, publish):
    for text in ("The tide is in", "The tide is out", "A gull"):
        publish(text)
    assert found(client, q="tide the") == ["The tide is out", "The tide is in"]
    assert found(client, q="whale") == []
    assert "Nothing found" in client.get(URL, {"q": "whale"}).content.decode()


def test_feeds_are_found_by_their_names_on_the_first_page(client, alice):
    feed = actions.create_feed(alice, slug="harbour", title="Harbour log")
    response = client.get(URL, {"q": "harbour"})
    assert response.context["feeds"] == [feed]
    assert client.get(URL, {"q": "harbour", "before": 9}).context["feeds"] == []


def test_what_one_may_not_read_or_keeps_away_is_not_found(client, publish, alice, mallory):
    publish("A secret tide", visibility="followers")
    assert found(client, q="tide") == []
    client.force_login(mallory)
    assert found(client, q="tide") == []
    publish("An open tide")
    assert found(client, q="tide") == ["An open tide"]
    access_actions.block(mallory, alice)
    assert found(client, q="tide") == []


def test_older_ones_are_on_the_next_page_with_the_same_words(client, feed):
    Entry.objects.bulk_create([Entry(feed=feed, author=feed.owner, text=f"tide & {n}") for n in range(25)])
    response = client.get(URL, {"q": "tide &"})
    older = response.context["older"]
    assert f'href="?q=tide+%26&amp;before={older}"' in response.content.decode()
    assert "Newest posts" not in response.content.decode()
    assert "Newest posts" in client.get(URL, {"q": "tide", "before": older}).content.decode()
    assert len(found(client, q="tide &")) == 20 and len(found(client, q="tide &", before=older)) == 5


@pytest.mark.parametrize("text", ["", "x" * 201, "\x00"])
def test_what_cannot_be_looked_for_is_told_at_the_field(client, text):
    response = client.get(URL, {"q": text})
    assert response.status_code == 400
    assert response.context["form"].errors["q"]


def test_a_search_that_takes_too_long_is_ended_and_said_to_be_so(client, publish, monkeypatch):
    publish("tide")
    monkeypatch.setattr(words, "TIMEOUT_MS", 1)
    slow = Entry.objects.extra(where=["pg_sleep(1) IS NULL"])
    monkeypatch.setattr("feeds.pages.search._found", lambda request, text: {"rows": list(slow)})
    response = client.get(URL, {"q": "tide"})
    assert response.status_code == 400 and "add a word" in response.content.decode()


def test_only_reads_are_served(client):
    assert client.post(URL, {"q": "tide"}).status_code == 405
