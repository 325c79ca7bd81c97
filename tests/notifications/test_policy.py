import pytest

from access.models import Block, Mute
from feeds.models import Feed
from notifications import actions
from notifications.models import Channel, Decision, Notification, Preference, ThreadMute


@pytest.fixture
def decided(alice):
    """Return what was decided about alice: channel, outcome and reason."""
    return lambda: sorted(Decision.objects.filter(recipient=alice).values_list("channel", "outcome", "reason"))


def test_whom_one_blocked_is_not_heard_nor_who_blocked_one(alice, bob, carol, notify, decided):
    Block.objects.create(blocker=alice, blocked=bob)
    Block.objects.create(blocker=carol, blocked=alice)
    assert notify(alice, bob) is None and notify(alice, carol) is None
    assert decided() == [("in_app", "dropped", "blocked")] * 2


def test_whom_one_muted_is_not_heard_and_hears_oneself(alice, bob, notify):
    Mute.objects.create(muter=alice, muted=bob)
    assert notify(alice, bob) is None and notify(bob, alice) is not None


def test_a_muted_thread_is_not_heard_but_for_notices(alice, bob, notify, decided):
    ThreadMute.objects.create(user=alice, subject_type="entry", subject_id="9")
    assert notify(alice, bob, subject="9") is None
    assert notify(alice, bob, subject="8") is not None
    assert ("in_app", "dropped", "muted") in decided()
    assert notify(alice, None, kind="notice", subject="9", details={"text": "Hello"}) is not None


def test_nobody_is_told_of_what_they_may_not_read(alice, bob, mallory, feed, notify):
    club = Feed.objects.create(owner=alice, slug="club", title="Club", visibility="followers")
    for topic in (f"feeds.{club.pk}", f"feeds.{club.pk}.followers", "feeds.999999"):
        assert notify(mallory, alice, kind="mention", topic=topic) is None
    assert set(Decision.objects.values_list("reason", flat=True)) == {"unreadable"}
    assert notify(mallory, alice, kind="mention", topic=f"feeds.{feed.pk}") is not None


def test_a_kind_that_is_off_everywhere_is_told_nowhere(alice, bob, notify, decided, settings):
    settings.TIDEWIRE_EMAIL_HOST = "localhost"
    for channel in Channel.values:
        Preference.objects.create(user=alice, kind="like", channel=channel, is_on=False)
    assert notify(alice, bob) is None
    # Of web push, which this server has not, nothing is decided.
    assert decided() == [(channel, "dropped", "preference") for channel in ("email", "in_app")]


def test_a_kind_that_is_off_in_the_inbox_alone_is_not_listed_nor_told_of(alice, bob, notify, outbox):
    Preference.objects.create(user=alice, kind="comment", channel="in_app", is_on=False)
    row = notify(alice, bob, kind="comment")
    assert (row.is_listed, Notification.objects.of(alice).count()) == (False, 0)
    assert not [type for type in outbox() if type.startswith("notifications.")]


def test_what_is_critical_comes_whatever_is_preferred(alice, notify):
    Preference.objects.create(user=alice, kind="notice", channel="in_app", is_on=False)
    assert notify(alice, None, kind="notice", details={"text": "Hello"}).is_listed


def test_ones_own_doing_is_decided_too(alice, notify, decided):
    assert notify(alice, alice) is None
    assert decided() == [("in_app", "dropped", "own_doing")]


def test_who_is_gone_is_not_told(alice, bob, about):
    notice = about(alice, bob)
    actions.notify(type(notice)(**{**fields_of(notice), "recipient": 10**9}), source_event=bob_event())
    assert not Notification.objects.exists()


def fields_of(notice):
    return {name: getattr(notice, name) for name in notice.__dataclass_fields__}


def bob_event():
    from uuid import uuid4

    return uuid4()
