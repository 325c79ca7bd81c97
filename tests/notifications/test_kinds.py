import pytest

from events.catalogue import find_event_type
from notifications import kinds
from notifications.kinds import Notice

ALICE, BOB = {"id": 1, "username": "alice"}, {"id": 2, "username": "bob"}
ENTRY = {"id": 9, "feed": 4, "author": ALICE}
FEED = {"id": 4, "slug": "alice", "title": "Alice's tide", "owner": ALICE}


def test_a_like_is_told_to_the_author():
    notice = kinds.like({"entry": ENTRY, "actor": BOB})
    assert notice == Notice("like", 1, 2, "entry", "9", "/entries/9/", "bob liked your entry")


def test_a_comment_is_told_to_the_author():
    notice = kinds.comment({"comment": {"id": 5, "author": BOB}, "entry": ENTRY})
    assert notice == Notice("comment", 1, 2, "entry", "9", "/entries/9/", "bob commented on your entry")


def test_a_follow_is_told_to_the_owner():
    notice = kinds.follow({"feed": FEED, "follower": BOB})
    assert notice == Notice("follow", 1, 2, "feed", "4", "/feeds/alice/", "bob follows Alice's tide")


def test_a_request_to_follow_is_told_to_the_owner():
    notice = kinds.follow_request({"follow": {"id": 3, "follower": BOB}, "feed": FEED})
    text = "bob asks to follow Alice's tide"
    assert notice == Notice("follow_request", 1, 2, "feed", "4", "/feeds/alice/#follows", text)


def test_a_long_title_is_cut_to_what_fits():
    assert len(kinds.follow({"feed": FEED | {"title": "T" * 400}, "follower": BOB}).text) == 300


@pytest.mark.parametrize(("actor", "own"), [(ALICE, True), (BOB, False)])
def test_ones_own_doing_is_known(actor, own):
    assert kinds.like({"entry": ENTRY, "actor": actor}).is_own_doing is own


def test_every_type_that_notifies_or_withdraws_is_declared():
    for name in [*kinds.NOTIFIES, *kinds.WITHDRAWS]:
        assert find_event_type(name).name == name


def test_what_withdraws_reads_as_what_notified():
    assert kinds.WITHDRAWS["feeds.entry.unliked"] is kinds.NOTIFIES["feeds.entry.liked"]
    assert kinds.WITHDRAWS["feeds.feed.unfollowed"] is kinds.NOTIFIES["feeds.feed.followed"]
    for answer in ("accepted", "ended"):
        assert kinds.WITHDRAWS[f"feeds.follow.{answer}"] is kinds.NOTIFIES["feeds.follow.requested"]


ENDPOINT = {"id": 7, "url": "https://example.com/hook", "description": ""}


def test_an_owner_is_told_of_an_endpoint_that_fails_by_nobody():
    notice = kinds.notice_of("webhooks.endpoint.failing", "users.1", {"endpoint": ENDPOINT})
    text = "https://example.com/hook has answered no webhook for long and will be switched off"
    assert notice == Notice("notice", 1, None, "endpoint", "7", "/webhooks/", text)
    assert not notice.is_own_doing


def test_an_owner_is_told_why_an_endpoint_was_switched_off_however_long_its_name_is():
    endpoint = ENDPOINT | {"description": "d" * 500, "disabled_reason": "The receiver answered 410 Gone."}
    notice = kinds.notice_of("webhooks.endpoint.disabled", "users.1", {"endpoint": endpoint})
    assert len(notice.text) == 300
    assert notice.text.endswith("… gets no webhooks any more. The receiver answered 410 Gone.")


def test_an_event_that_tells_nobody_makes_no_notice():
    assert kinds.notice_of("feeds.entry.unliked", "users.1", {}) is None
