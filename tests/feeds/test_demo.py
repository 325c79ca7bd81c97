from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from access.models import User
from events.models import Outbox
from feeds.models import Entry, Follow


def demo():
    out = StringIO()
    call_command("demo", stdout=out)
    return out.getvalue()


def test_the_demo_makes_its_people_who_follow_alice(db, settings):
    settings.DEBUG = True
    demo()
    assert set(User.objects.values_list("username", "is_superuser")) == {
        ("admin", True),
        ("alice", False),
        ("bob", False),
        ("carol", False),
    }
    assert set(Follow.objects.values_list("follower__username", "feed__slug")) == {("bob", "alice"), ("carol", "alice")}
    assert all(user.check_password("tidewire") for user in User.objects.all())


def test_the_demo_run_again_makes_nothing_more(db, settings):
    settings.DEBUG = True
    demo()
    before = User.objects.count(), Entry.objects.count(), Outbox.objects.count()
    assert "0 people made" in demo()
    assert (User.objects.count(), Entry.objects.count(), Outbox.objects.count()) == before


def test_the_demo_is_refused_outside_development(db):
    with pytest.raises(CommandError, match="well-known passwords"):
        demo()
    assert not User.objects.exists()
