import pytest
from django.db import connection
from django.utils import timezone

from access.models import User
from feeds.models import Entry

pytestmark = pytest.mark.django_db


def by(author, ids):
    return Entry.objects.filter(author=author, pk__in=ids).select_related("feed").prefetch_related("mentions")


def names(user_id):
    return User.objects.filter(pk=user_id, is_active=True).values_list("username", flat=True)


def test_other_values_find_other_rows_whole_with_what_belongs_to_them(feed, alice, bob, django_assert_num_queries):
    entry = Entry.objects.create(feed=feed, author=alice, text="Tide is in.")
    for _ in range(4):
        with django_assert_num_queries(2):
            [found] = connection.recall(by, alice.pk, [entry.pk, 10**12])
            assert (found, found.feed, list(found.mentions.all())) == (entry, entry.feed, [])
        assert connection.recall(by, bob.pk, [entry.pk]) == connection.recall(by, alice.pk, []) == []


def test_plain_values_are_found_too(alice, bob):
    assert [connection.recall(names, each.pk) for each in (alice, bob, alice)] == [["alice"], ["bob"], ["alice"]]


def test_it_is_built_once(alice, bob):
    built = []

    def counted(user_id):
        built.append(user_id)
        return names(user_id)

    assert [connection.recall(counted, each.pk) for each in (alice, bob)] == [["alice"], ["bob"]]
    assert len(built) == 1


def test_a_moment_would_stand_still_and_is_refused(alice):
    def now(user_id):
        return User.objects.filter(pk=user_id, date_joined__lt=timezone.now())

    with pytest.raises(ValueError, match="cannot be recalled"):
        connection.recall(now, alice.pk)


def test_a_list_is_one_array_of_any_length_and_nothing_else(alice, bob):
    def either(ids):
        return User.objects.filter(pk__in=ids).order_by("pk")

    def above(ids):
        return User.objects.filter(pk__gt=ids[0])

    assert connection.recall(either, [alice.pk, bob.pk]) == [alice, bob]
    assert connection.recall(either, [bob.pk]) == [bob]
    with pytest.raises(ValueError, match="`__in` alone"):
        connection.recall(above, [alice.pk])


def test_a_value_that_got_lost_on_the_way_is_refused(alice):
    def everyone(user_id):
        return User.objects.all()

    with pytest.raises(ValueError, match="cannot be recalled"):
        connection.recall(everyone, alice.pk)
