import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from access.models import User
from events.actions import NotInTransaction
from events.models import Outbox
from feeds import actions, signals
from feeds.models import Comment, Entry, Feed, Follow, Reaction


@pytest.fixture
def told(outbox):
    """Return what was told since this was asked last."""
    seen = [0]

    def since():
        types = outbox()
        new, seen[0] = types[seen[0] :], len(types)
        return new

    return since


@pytest.fixture
def entry(publish):
    return publish("Hello")


@pytest.fixture
def comment(entry, bob):
    return actions.comment_on(entry, by=bob, text="Hi")


def last():
    return Outbox.objects.latest("id").data


def test_an_entry_tells_once_when_it_is_made_and_once_when_it_changes(publish, told):
    told()
    entry = publish("Hello")
    assert told() == ["feeds.entry.published"]
    entry.text = "Hello again"
    entry.save()
    assert told() == ["feeds.entry.edited"]
    assert (entry.version, entry.edited_at is not None) == (2, True)


@pytest.mark.parametrize("name", ["feed", "entry", "comment"])
def test_saving_what_is_unchanged_tells_nothing(request, name, told):
    row = request.getfixturevalue(name)
    told()
    row.save()
    type(row).objects.get(pk=row.pk).save()
    assert told() == []
    assert type(row).objects.get(pk=row.pk).version == row.version


def test_a_change_that_is_rolled_back_is_not_told(entry, told):
    told()
    with transaction.atomic():
        entry.text = "Never"
        entry.save()
        transaction.set_rollback(True)
    assert told() == [] and Entry.objects.get().text == "Hello"


def test_a_change_whose_telling_fails_is_not_made(entry):
    def fail(**kwargs):
        raise RuntimeError

    signals.entry_edited.connect(fail)
    try:
        entry.text = "Never"
        with pytest.raises(RuntimeError):
            entry.save()
    finally:
        signals.entry_edited.disconnect(fail)
    assert Entry.objects.get().text == "Hello"


@pytest.mark.django_db(transaction=True)
def test_a_row_and_its_event_need_no_transaction_of_the_caller(publish, outbox):
    publish("Hello").delete()
    assert outbox()[-2:] == ["feeds.entry.published", "feeds.entry.deleted"]
    with pytest.raises(NotInTransaction):
        signals.entry_edited.send(Entry, entry=Entry.objects.get())


@pytest.mark.parametrize("name", ["entry", "comment"])
def test_deleting_leaves_a_tombstone_without_the_text_and_twice_is_once(request, name, told):
    row = request.getfixturevalue(name)
    told()
    assert row.delete()[0] == 1
    first = told()
    assert type(row).objects.get(pk=row.pk).delete() == (0, {}) and row.delete() == (0, {})
    assert first.count(f"feeds.{name}.deleted") == 1 and told() == []
    kept = type(row).objects.get(pk=row.pk)
    assert (kept.text, kept.deleted_at is not None, kept.version) == ("", True, 2)


@pytest.mark.parametrize("name", ["entry", "comment"])
def test_what_was_deleted_cannot_be_written_again(request, name, told):
    row = request.getfixturevalue(name)
    stale = type(row).objects.get(pk=row.pk)
    row.delete()
    told()
    stale.text = "Back again"
    stale.save()
    assert told() == [] and type(row).objects.get(pk=row.pk).text == ""


def test_a_like_counts_and_tells_the_feed_and_the_author(entry, bob, told):
    told()
    like = Reaction.objects.create(entry=entry, user=bob)
    assert told() == ["feeds.entry.counted", "feeds.entry.liked"]
    assert Entry.objects.get().like_count == 1
    like.delete()
    assert told() == ["feeds.entry.counted", "feeds.entry.unliked"]
    assert Entry.objects.get().like_count == 0


def test_a_like_that_is_gone_already_is_not_counted_again(entry, bob, told):
    like = Reaction.objects.create(entry=entry, user=bob)
    stale = Reaction.objects.get()
    like.delete()
    told()
    assert stale.delete()[0] == 0
    assert told() == [] and Entry.objects.get().like_count == 0


def test_a_comment_counts_and_tells(entry, bob, told):
    told()
    comment = Comment.objects.create(entry=entry, author=bob, text="Hi")
    assert told() == ["feeds.comment.published", "feeds.entry.counted"]
    comment.text = "Hello"
    comment.save()
    assert told() == ["feeds.comment.edited"]
    comment.delete()
    assert told() == ["feeds.comment.deleted", "feeds.entry.counted"]
    assert Entry.objects.get().comment_count == 0


@pytest.mark.parametrize("model", [Reaction, Follow])
def test_once_is_held_by_the_database(entry, bob, model):
    fields = {"entry": entry, "user": bob} if model is Reaction else {"feed": entry.feed, "follower": bob}
    if model is Reaction:
        Reaction.objects.create(**fields)
    count = model.objects.count()
    with pytest.raises(IntegrityError), transaction.atomic():
        model.objects.create(**fields)
    assert model.objects.count() == count


def test_a_refused_second_like_counts_and_tells_nothing(entry, bob, told):
    Reaction.objects.create(entry=entry, user=bob)
    told()
    with pytest.raises(IntegrityError), transaction.atomic():
        Reaction.objects.create(entry=entry, user=bob)
    assert told() == [] and Entry.objects.get().like_count == 1


def test_addresses_of_feeds_are_unique_in_any_case(alice):
    with pytest.raises(IntegrityError), transaction.atomic():
        Feed.objects.create(owner=alice, slug="Alice", title="Another")
    with pytest.raises(ValidationError):
        Feed(owner=alice, slug="ALICE", title="Another").validate_constraints()


def test_one_has_one_personal_feed(alice):
    with pytest.raises(IntegrityError), transaction.atomic():
        Feed.objects.create(owner=alice, slug="second", title="Second", is_personal=True)


def test_a_follow_counts_and_tells_and_so_does_its_end(feed, bob, told):
    feed.refresh_from_db()
    assert (feed.follower_count, feed.version) == (1, 2)
    told()
    Follow.objects.get().delete()
    assert told() == ["feeds.feed.counted", "feeds.feed.unfollowed", "feeds.follow.ended"]
    feed.refresh_from_db()
    assert (feed.follower_count, feed.version) == (0, 3)


def test_a_request_to_follow_counts_when_it_is_accepted_and_not_before(feed, mallory, told):
    told()
    request = Follow.objects.create(feed=feed, follower=mallory, state="pending")
    assert told() == ["feeds.feed.requested", "feeds.follow.requested"]
    assert Feed.objects.get(pk=feed.pk).follower_count == 0
    request.state = "accepted"
    request.save()
    request.save()
    assert told() == ["feeds.feed.counted", "feeds.feed.followed", "feeds.follow.accepted"]
    assert Feed.objects.get(pk=feed.pk).follower_count == 1


def test_a_request_taken_back_is_told_and_not_counted(feed, mallory, told):
    Follow.objects.create(feed=feed, follower=mallory, state="pending")
    told()
    Follow.objects.get().delete()
    assert told() == ["feeds.feed.unrequested", "feeds.follow.ended"]
    assert Feed.objects.get(pk=feed.pk).follower_count == 0


def test_a_follow_that_is_gone_already_is_not_counted_off_again(feed, bob, told):
    stale = Follow.objects.get()
    Follow.objects.get().delete()
    told()
    assert stale.delete()[0] == 0
    assert told() == [] and Feed.objects.get(pk=feed.pk).follower_count == 0


def test_opening_a_feed_accepts_its_requests_in_few_queries(alice, told, query_count, monkeypatch):
    monkeypatch.setattr("feeds.models.follow.ACCEPT_CHUNK", 3)
    club = Feed.objects.create(owner=alice, slug="club", title="Club", visibility="followers")
    for number in range(7):
        actions.follow_feed(club, by=User.objects.create_user(f"p{number}"))
    told()
    club.visibility = "public"
    assert query_count(club.save) <= 24
    types = told()
    assert types[0] == "feeds.feed.edited" and types.count("feeds.feed.counted") == 3
    assert types.count("feeds.feed.followed") == types.count("feeds.follow.accepted") == 7
    assert set(Follow.objects.values_list("state", "version")) == {("accepted", 2)}
    assert Feed.objects.get(pk=club.pk).follower_count == last()["feed"]["follower_count"] == 7


def test_closing_a_feed_keeps_its_followers(feed, bob, told):
    told()
    feed.visibility = "followers"
    feed.save()
    assert told() == ["feeds.feed.edited"] and Follow.objects.get().state == "accepted"


def test_deleting_a_feed_ends_the_requests_and_tells_of_them(alice, mallory, told):
    club = Feed.objects.create(owner=alice, slug="club", title="Club", visibility="followers")
    actions.follow_feed(club, by=mallory)
    told()
    club.delete()
    assert told() == ["feeds.feed.unrequested", "feeds.follow.ended", "feeds.feed.deleted"]


def test_a_feed_given_to_another_is_new_to_them(feed, alice, mallory, told):
    news = Feed.objects.create(owner=alice, slug="news", title="News")
    told()
    news.owner = mallory
    news.save()
    assert told() == ["feeds.feed.edited", "feeds.feed.created"]
    assert Outbox.objects.latest("id").topic == f"users.{mallory.pk}"


def test_a_follow_accepted_since_it_was_read_is_counted_off_when_deleted(feed, mallory):
    Follow.objects.create(feed=feed, follower=mallory, state="pending")
    stale, fresh = Follow.objects.get(), Follow.objects.get()
    fresh.state = "accepted"
    fresh.save()
    stale.delete()
    assert Feed.objects.get(pk=feed.pk).follower_count == 0


def test_editing_a_feed_writes_its_fields_and_never_its_counts(feed, bob, told):
    stale = Feed.objects.get(pk=feed.pk)
    actions.unfollow_feed(feed, by=bob)
    told()
    stale.title = "The tide"
    stale.save()
    assert told() == ["feeds.feed.edited"]
    assert (last()["feed"]["title"], last()["feed"]["follower_count"], last()["feed"]["version"]) == ("The tide", 0, 4)
    assert Feed.objects.get(pk=feed.pk).follower_count == 0


def test_an_edit_tells_the_counts_as_they_are_now(entry, bob):
    stale = Entry.objects.get()
    actions.like_entry(entry, by=bob)
    stale.text = "Edited"
    stale.save()
    assert (last()["entry"]["like_count"], last()["entry"]["version"]) == (1, 3)
    assert Entry.objects.get().like_count == 1


def test_a_follow_tells_the_feed_as_it_is_now(feed, mallory):
    stale = Feed.objects.get(pk=feed.pk)
    feed.title = "The tide"
    feed.save()
    actions.follow_feed(stale, by=mallory)
    assert (last()["feed"]["title"], last()["feed"]["version"]) == ("The tide", 3)


def test_what_cannot_be_changed_is_neither_written_nor_told(entry, told):
    told()
    entry.visibility = "followers"
    entry.save()
    assert told() == []
    entry.visibility, entry.text = "followers", "Edited"
    entry.save()
    assert (last()["entry"]["visibility"], last()["entry"]["like_count"]) == ("public", 0)
    assert Outbox.objects.latest("id").topic == f"feeds.{entry.feed_id}"


def test_deleting_a_queryset_tells_of_each_row(publish, bob, told):
    for text in "abc":
        actions.like_entry(publish(text), by=bob)
    told()
    assert Reaction.objects.filter(user=bob).delete() == (3, {"feeds.Reaction": 3})
    assert told() == ["feeds.entry.counted", "feeds.entry.unliked"] * 3
    assert Entry.objects.all().delete()[0] == 3
    assert told() == ["feeds.entry.deleted"] * 3
    assert Entry.objects.all().delete()[0] == 0


def test_everything_cannot_be_deleted_by_a_slip_of_the_pen():
    assert not hasattr(Entry.objects, "delete")


def test_deleting_a_feed_takes_all_that_is_in_it_and_tells_once(alice, bob, told):
    feed = Feed.objects.create(owner=alice, slug="news", title="News")
    actions.follow_feed(feed, by=bob)
    entry = actions.publish_entry(feed, by=alice, text="Hi")
    actions.comment_on(actions.like_entry(entry, by=bob), by=bob, text="Hi")
    told()
    feed.delete()
    assert told() == ["feeds.feed.deleted"]
    assert [model.objects.count() for model in (Entry, Comment, Reaction)] == [0, 0, 0]


def test_a_user_who_has_said_something_cannot_be_deleted(alice):
    with pytest.raises(ProtectedError):
        alice.delete()


def test_an_entry_shows_its_beginning_or_that_it_is_gone(entry, comment):
    assert (str(entry), str(comment), str(entry.feed)) == ("Hello", "Hi", "alice")
    entry.delete(), comment.delete()
    assert (str(entry), str(comment)) == ("(deleted)", "(deleted)")


def test_the_timeline_and_lists_use_their_indexes(feed, bob):
    from django.db import connection

    actions.publish_entries(feed, "abc")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
    assert "feeds_follow_page" in feed.follows.accepted().order_by("-id").explain()
    assert "feeds_follow_page" in feed.follows.pending().order_by("-id").explain()
    assert "feeds_entry_page" in Entry.objects.alive().filter(feed=feed).order_by("-id").explain()
    assert "feeds_comment_page" in Comment.objects.filter(deleted_at=None, entry=1).order_by("-id").explain()
