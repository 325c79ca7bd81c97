from events import relay, subscribers
from feeds import actions, fanout, materialisation
from feeds.models import Fanout, Follow, TimelineEntry


def follow_log():
    relay.run()
    subscribers.run("timeline")


def test_an_entry_is_pushed_after_its_event_has_left(publish, bob, wakes):
    materialisation.welcome(bob.pk)
    entry = publish()
    assert Fanout.objects.get().position is None and fanout.push() is None
    follow_log()
    assert Fanout.objects.get().position
    fanout.run()
    assert TimelineEntry.objects.get().entry_id == entry.pk


def test_the_pushing_is_woken(publish, wakes, django_capture_on_commit_callbacks):
    publish()
    with django_capture_on_commit_callbacks(execute=True):
        follow_log()
    assert ("feeds.tasks.fan_out",) in wakes


def test_a_follow_fills_the_timeline_and_its_end_empties_it(feed, publish, mallory):
    publish()
    materialisation.welcome(mallory.pk)
    actions.follow_feed(feed, by=mallory)
    follow_log()
    assert TimelineEntry.objects.count() == 1 and Follow.objects.get(follower=mallory).is_pushed
    actions.unfollow_feed(feed, by=mallory)
    follow_log()
    assert not TimelineEntry.objects.exists()


def test_an_entry_that_is_gone_with_its_feed_is_no_trouble(feed, publish, alice, mallory):
    from feeds.models import Feed

    club = Feed.objects.create(owner=alice, slug="club", title="Club")
    actions.publish_entry(club, by=alice, text="x")
    actions.follow_feed(club, by=mallory)
    club.delete()
    follow_log()
    assert not Fanout.objects.exists()
