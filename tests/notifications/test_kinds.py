import pytest

from events.catalogue import find_event_type
from notifications import kinds
from notifications.kinds import Notice

ALICE, BOB = {"id": 1, "username": "alice"}, {"id": 2, "username": "bob"}
ENTRY = {"id": 9, "feed": 4, "author": ALICE}
FEED = {"id": 4, "slug": "alice", "title": "Alice's tide", "owner": ALICE}


def only(notices):
    (notice,) = notices
    return notice


def told(notices):
    return {notice.recipient: str(notice.kind) for notice in notices}


def test_a_like_is_told_to_the_author():
    where = ("entry", "9", "/entries/9/")
    notice = Notice("like", 1, 2, "bob", *where, cause="likes/9/2", within="feeds/4")
    assert kinds.like({"entry": ENTRY, "actor": BOB}) == [notice]


def test_a_comment_is_told_to_the_author():
    notice = only(kinds.comment({"comment": {"id": 5, "author": BOB}, "entry": ENTRY}, "feeds.4"))
    where = ("entry", "9", "/entries/9/#comment-5")
    assert notice == Notice("comment", 1, 2, "bob", *where, cause="comments/5", within="feeds/4", topic="feeds.4")


def test_each_is_told_of_one_thing_by_a_comment_the_nearest_to_them():
    mentions = [{"id": id, "username": f"user{id}"} for id in (1, 3, 4)]
    data = {"comment": {"id": 5, "author": BOB, "mentions": mentions, "parent_author": 4}, "entry": ENTRY}
    assert told(kinds.comment(data)) == {4: "reply", 1: "mention", 3: "mention"}


def test_whom_an_entry_or_an_edit_mentions_is_told_once():
    mentions = [{"id": 3, "username": "carol"}]
    for notice in (
        only(kinds.entry({"entry": ENTRY | {"mentions": mentions}}, "feeds.4")),
        only(kinds.comment_edited({"comment": {"id": 5, "author": BOB, "mentions": mentions}, "entry": ENTRY}, "t.4")),
    ):
        assert (notice.kind, notice.recipient, notice.is_once, bool(notice.topic)) == ("mention", 3, True, True)
    assert kinds.entry({"entry": ENTRY}, "feeds.4") == []


def test_a_follow_is_told_to_the_owner():
    notice = only(kinds.follow({"feed": FEED, "follower": BOB}))
    assert (notice.kind, notice.recipient, notice.actor, notice.subject_url) == ("follow", 1, 2, "/feeds/alice/")
    assert (notice.details, notice.cause) == ({"feed": "Alice's tide"}, "follows/4/2")


def test_a_request_to_follow_is_told_to_the_owner():
    notice = only(kinds.follow_request({"follow": {"id": 3, "follower": BOB}, "feed": FEED}))
    assert (notice.kind, notice.subject_url) == ("follow_request", "/feeds/alice/#follows")
    assert (notice.details, notice.cause) == ({"feed": "Alice's tide"}, "requests/4/2")


def test_an_endpoints_trouble_is_told_to_its_owner_by_nobody():
    endpoint = {"id": 8, "url": "https://example.com/", "disabled_reason": "gone"}
    for name in ("failing", "disabled"):
        notice = only(kinds.NOTIFIES[f"webhooks.endpoint.{name}"]({"endpoint": endpoint}, "users.7"))
        assert (notice.kind, notice.recipient, notice.actor, notice.is_critical) == ("notice", 7, None, True)
        assert notice.details["about"] == f"endpoint_{name}"


@pytest.mark.parametrize(("actor", "own"), [(ALICE, True), (BOB, False)])
def test_ones_own_doing_is_known(actor, own):
    assert only(kinds.like({"entry": ENTRY, "actor": actor})).is_own_doing is own


def test_every_type_that_notifies_or_withdraws_is_declared():
    for name in [*kinds.NOTIFIES, *kinds.WITHDRAWS]:
        if not name.startswith("webhooks."):
            assert find_event_type(name).name == name


@pytest.mark.parametrize(
    ("undo", "data", "told"),
    [
        ("feeds.entry.unliked", {"entry": ENTRY, "actor": BOB}, kinds.like),
        ("feeds.feed.unfollowed", {"feed": FEED, "follower": BOB}, kinds.follow),
        ("feeds.follow.accepted", {"feed": FEED, "follow": {"follower": BOB}}, kinds.follow_request),
        ("feeds.follow.ended", {"feed": FEED, "follow": {"follower": BOB}}, kinds.follow_request),
        ("feeds.comment.deleted", {"entry": ENTRY, "comment": {"id": 5, "author": BOB}}, kinds.comment),
    ],
)
def test_what_withdraws_names_the_cause_of_what_notified(undo, data, told):
    assert kinds.WITHDRAWS[undo](data, "feeds.4").cause == only(told(data)).cause


def test_what_is_deleted_takes_along_what_is_about_it_and_in_it():
    assert kinds.WITHDRAWS["feeds.entry.deleted"]({"entry": {"id": 9}}, "feeds.4").subject == ("entry", "9")
    assert kinds.WITHDRAWS["feeds.feed.deleted"]({"feed": {"id": 4}}, "feeds.4").within == "feeds/4"
