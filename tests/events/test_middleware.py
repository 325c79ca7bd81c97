import pytest
from django.test import AsyncClient

from events.cursor import parse
from events.models import LogHead
from feeds import actions


@pytest.fixture
def head(feed, publish, flow):
    publish()
    flow()
    return str(LogHead.objects.get())


def test_a_read_carries_the_head_of_the_log(api, bob, feed, head, flow):
    flow()
    response = api(bob).get(f"/api/v1/feeds/{feed.pk}/entries/")
    assert response["Tidewire-Cursor"] == str(LogHead.objects.get())


def test_the_head_is_read_before_the_rows(api, bob, feed, head, flow, monkeypatch):
    from feeds.views import entries

    flow()
    before = LogHead.objects.get().position
    rows = entries.FeedEntries.get_queryset

    def write_then_read(self):
        actions.publish_entry(feed, by=feed.owner, text="in between")
        flow()
        return rows(self)

    monkeypatch.setattr(entries.FeedEntries, "get_queryset", write_then_read)
    response = api(bob).get(f"/api/v1/feeds/{feed.pk}/entries/")
    assert parse(response["Tidewire-Cursor"]).position == before
    assert response.json()["results"][0]["text"] == "in between"


def test_what_is_not_modified_carries_it_too(api, bob, feed, head, flow):
    flow()
    client, path = api(bob), f"/api/v1/feeds/{feed.pk}/"
    tag = client.get(path)["ETag"]
    response = client.get(path, HTTP_IF_NONE_MATCH=tag)
    assert response.status_code == 304
    assert response["Tidewire-Cursor"] == str(LogHead.objects.get())


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/accounts/login/"])
def test_what_has_no_topic_carries_none(client, db, path):
    assert "Tidewire-Cursor" not in client.get(path)


def test_a_write_carries_none(api, bob, feed):
    assert "Tidewire-Cursor" not in api(bob).put(f"/api/v1/feeds/{feed.pk}/follow/")


@pytest.mark.django_db(transaction=True)
async def test_on_the_event_loop_it_does_the_same():
    response = await AsyncClient().get("/api/v1/feeds/")
    assert response["Tidewire-Cursor"].endswith("-0")
