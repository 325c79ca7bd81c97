from django.core.cache import cache

from access import limits


def test_a_user_publishes_so_many_events_a_minute(settings, monkeypatch):
    settings.TIDEWIRE_USER_EVENTS_PER_MINUTE = 5
    monkeypatch.setattr("time.time", lambda: 6000.0)
    assert [limits.take(1, count) for count in (2, 3)] == [None, None]
    assert limits.take(1, 1) == 60.0
    assert limits.take(2, 5) is None
    monkeypatch.setattr("time.time", lambda: 6060.0)
    assert limits.take(1, 5) is None


def test_without_a_limit_nothing_is_counted(settings):
    settings.TIDEWIRE_USER_EVENTS_PER_MINUTE = 0
    assert limits.take(1, 10**9) is None


def test_without_a_cache_events_pass(settings, monkeypatch):
    def fail(*args, **kwargs):
        raise ConnectionError

    settings.TIDEWIRE_USER_EVENTS_PER_MINUTE = 1
    monkeypatch.setattr(cache, "incr", fail)
    assert limits.take(1, 10) is None


def test_what_was_published_in_this_minute_is_known(settings, monkeypatch):
    settings.TIDEWIRE_USER_EVENTS_PER_MINUTE = 5
    monkeypatch.setattr("time.time", lambda: 9000.0)
    limits.take(7, 3)
    assert (limits.taken(7), limits.taken(8)) == (3, 0)
    monkeypatch.setattr("time.time", lambda: 9060.0)
    assert limits.taken(7) == 0


def test_without_a_limit_or_a_cache_it_is_not_known(settings, monkeypatch):
    settings.TIDEWIRE_USER_EVENTS_PER_MINUTE = 0
    assert limits.taken(7) is None

    def fail(*args, **kwargs):
        raise ConnectionError

    settings.TIDEWIRE_USER_EVENTS_PER_MINUTE = 5
    monkeypatch.setattr(cache, "get", fail)
    assert limits.taken(7) is None
