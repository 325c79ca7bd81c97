import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from access.models import User
from events.models import Outbox
from feeds.models import Feed

PASSWORD = "a long enough tide"


def test_a_user_comes_with_a_personal_public_feed_of_the_same_name(alice):
    feed = Feed.objects.get()
    assert (feed.owner, feed.slug, feed.is_personal, feed.visibility) == (alice, "alice", True, "public")


def test_saving_a_user_again_makes_no_second_feed(alice, outbox):
    alice.first_name = "Alice"
    alice.save()
    assert Feed.objects.count() == 1
    assert outbox() == ["feeds.feed.created"]


def test_names_are_unique_in_any_case(alice):
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("ALICE", password=PASSWORD)
    with pytest.raises(ValidationError, match="This name is taken"):
        User(username="Alice", password="x").validate_constraints()


def test_a_name_that_is_the_address_of_a_feed_makes_neither_user_nor_feed(alice):
    Feed.objects.create(owner=alice, slug="news", title="News")
    with pytest.raises(ValidationError, match="This name is taken"):
        User.objects.create_user("NEWS", password=PASSWORD)
    assert set(User.objects.values_list("username", flat=True)) == {"alice"}
    assert Feed.objects.count() == 2


def test_looking_for_a_name_in_any_case_uses_the_index(alice):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert "access_username_any_case" in User.objects.filter(username__iexact="Alice").explain()
    assert "feeds_slug_any_case" in Feed.objects.filter(slug__iexact="Alice").explain()


def test_the_personal_feed_and_its_event_commit_with_the_user(db):
    with transaction.atomic():
        User.objects.create_user("dave", password=PASSWORD)
        transaction.set_rollback(True)
    assert not User.objects.exists() and not Feed.objects.exists() and not Outbox.objects.exists()
