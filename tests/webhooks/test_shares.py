from contextlib import ExitStack

import pytest

from webhooks.shares import ALL, PARTS, Shares

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sessions(other_connection):
    """Open so many sessions."""
    with ExitStack() as stack:

        def make(count):
            made = [stack.enter_context(other_connection()) for _ in range(count)]
            for session in made:
                session.autocommit = True
            return made

        yield make


def balance(shares, sessions, rounds=3, busy=frozenset()):
    for _ in range(rounds):
        for one, session in zip(shares, sessions, strict=True):
            one.balance(session, set(busy))


def test_one_sender_serves_all_and_two_share(sessions):
    first, second = sessions(2)
    one, other = Shares(), Shares()
    one.balance(first, set())
    assert one.held == set(ALL)
    balance([other, one], [second, first])
    assert len(one.held) == len(other.held) == PARTS // 2
    assert one.held | other.held == set(ALL)


def test_three_serve_every_part_once(sessions):
    shares = [Shares() for _ in range(3)]
    balance(shares, sessions(3))
    assert sorted(part for one in shares for part in one.held) == list(ALL)
    assert all(one.held for one in shares)


def test_a_part_with_something_under_way_is_given_back_only_after_that(sessions):
    first, second = sessions(2)
    one, other = Shares(), Shares()
    one.balance(first, set(ALL))
    balance([other, one], [second, first], busy=ALL)
    assert other.held == set()
    assert one.held == set(ALL)
    assert len(one.served) == PARTS // 2
    balance([one, other], [first, second])
    assert len(other.held) == PARTS // 2


def test_what_one_served_that_has_died_is_taken_by_the_others(sessions, other_connection):
    [first] = sessions(1)
    one, other = Shares(), Shares()
    with other_connection() as second:
        second.autocommit = True
        balance([one, other], [first, second])
        assert len(one.held) == PARTS // 2
        # It is waited for: a session that is closed here ends there a moment later.
        assert first.execute("SELECT pg_terminate_backend(%s, 5000)", [second.info.backend_pid]).fetchone() == (True,)
    one.balance(first, set())
    assert one.held == set(ALL)


def test_with_a_new_session_parts_are_taken_anew(sessions):
    first, second, rival = sessions(3)
    one = Shares()
    one.balance(first, set())
    first.close()
    other = Shares()
    other.balance(rival, set())
    one.balance(second, set())
    assert one.held.isdisjoint(other.held)


def test_the_server_ends_the_session_of_a_sender_that_was_stopped(sessions):
    [session] = sessions(1)
    Shares().balance(session, set())
    assert session.execute("SHOW idle_session_timeout").fetchone() == ("5s",)


def test_one_that_ends_leaves_what_is_free_at_once_and_the_rest_when_that_has_landed(sessions):
    first, second = sessions(2)
    one, other = Shares(), Shares()
    one.balance(first, set())
    one.leave(first, {3})
    assert (one.held, one.served) == ({3}, [])
    other.balance(second, set())
    assert 3 not in other.held
    one.leave(first, set())
    assert one.held == set()


def test_one_without_a_session_has_nothing_to_leave(sessions):
    [session] = sessions(1)
    Shares().leave(session, set())
