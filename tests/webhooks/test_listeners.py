import random
from types import SimpleNamespace

import pytest
from django.contrib.admin.sites import site
from django.db import connection, transaction

from events.catalogue import matches
from events.models import Event
from webhooks import actions, listeners
from webhooks.models import Endpoint, EndpointRevision
from webhooks.models.endpoint import everything

TYPES = ["*", "tests.*", "tests.bell.*", "tests.bell.rang", "feeds.*", "feeds.entry.published", "tests.bell"]
TOPICS = ["*", "feeds.*", "feeds.1", "feeds.1.*", "feeds.1.followers", "feeds.2", "users.*", "users.7"]


def event(type="tests.bell.rang", topic="feeds.1", position=10, **data):
    return Event(type=type, topic=topic, position=position, data=data)


def made(**fields):
    defaults = {"pk": 1, "owner_id": 1, "created_position": 0, "event_types": everything(), "topics": everything()}
    return listeners.listener_of(Endpoint(**defaults | fields))


@pytest.fixture
def ids():
    """The ids of the endpoints that listen now."""
    return lambda: [each.endpoint_id for each in listeners.current().to(event(position=2**40))]


# -- What an event meets -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_the_index_finds_exactly_those_whose_patterns_match(seed):
    chance = random.Random(seed)
    every = [
        made(
            pk=pk,
            created_position=chance.choice([0, 9, 10]),
            event_types=chance.sample(TYPES, chance.randrange(1, 5)),
            topics=chance.sample(TOPICS, chance.randrange(1, 5))
            + ["x." + str(n) for n in range(chance.choice([0, 99]))],
        )
        for pk in range(1, 200)
    ]
    index = listeners.Listeners(every)
    for type in ("tests.bell.rang", "tests.drum.hit", "feeds.entry.published", "users.a.b"):
        for topic in ("feeds.1", "feeds.1.followers", "feeds.2", "users.7", "other"):
            wanted = [
                each.endpoint_id
                for each in every
                if matches(type, each.types) and matches(topic, each.topics) and each.created_position < 10
            ]
            found = [each.endpoint_id for each in index.to(event(type, topic))]
            assert sorted(found) == wanted


def test_only_those_that_may_want_an_event_are_asked(monkeypatch):
    index = listeners.Listeners(made(pk=pk, topics=[f"feeds.{pk}"]) for pk in range(1, 10_001))
    asked = []
    monkeypatch.setattr(listeners.Listener, "wants", lambda self, event: asked.append(self) or True)
    assert [each.endpoint_id for each in index.to(event(topic="feeds.77"))] == [77]
    assert len(asked) == 1


def test_what_the_data_holds_is_asked_too():
    index = listeners.Listeners([made(content_filter={"sound": "ding"})])
    assert index.to(event(sound="ding")) and not index.to(event(sound="dong"))


def test_a_test_event_goes_to_the_endpoint_that_is_tested_whatever_it_wants_and_to_no_other():
    index = listeners.Listeners(
        [made(pk=1), made(pk=2, event_types=["other.*"], topics=["x"], content_filter={"a": 1}), made(pk=3)]
    )
    tested = event(listeners.TESTED, "users.1", endpoint={"id": 2})
    assert [each.endpoint_id for each in index.to(tested)] == [2]
    assert [each.wants(tested) for each in (made(pk=1), made(pk=2))] == [False, True]


@pytest.mark.parametrize("data", [{}, {"endpoint": 2}, {"endpoint": {}}, {"endpoint": {"id": [2]}}, []])
def test_a_test_event_that_names_no_endpoint_goes_to_nobody(data):
    broken = Event(type=listeners.TESTED, topic="users.1", position=10, data=data)
    assert listeners.Listeners([made(pk=2)]).to(broken) == []


# -- Held, and known to be current -------------------------------------------------------------------------------------


def test_what_has_not_changed_is_not_read_again(endpoint, alice, query_count):
    endpoint(alice)
    first = listeners.current()
    assert query_count(listeners.current) == 1
    assert listeners.current() is first


CHANGES = {
    "made": lambda one, two: actions.create_endpoint(one.owner, url="https://example.com/"),
    "deleted": lambda one, two: one.delete(),
    "deleted by a queryset": lambda one, two: Endpoint.objects.filter(pk=one.pk).delete(),
    "by the action": lambda one, two: actions.change_endpoint(one, event_types=["other.*"]),
    "by update": lambda one, two: Endpoint.objects.filter(pk=one.pk).update(topics=["other"]),
    "by bulk_update": lambda one, two: Endpoint.objects.bulk_update([changed(one)], ["content_filter"]),
    "by save": lambda one, two: changed(one).save(),
    "by SQL": lambda one, two: sql("UPDATE webhooks_endpoint SET created_position = %s WHERE id = %s", 2**41, one.pk),
    "switched off": lambda one, two: Endpoint.objects.filter(pk=one.pk).update(disabled_reason="Gone."),
    "by the admin": lambda one, two: by_admin(one),
    "given away": lambda one, two: Endpoint.objects.filter(pk=one.pk).update(owner=two.owner),
}


def changed(endpoint):
    endpoint.content_filter = {"sound": "never"}
    return endpoint


def sql(statement, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def by_admin(endpoint):
    form = SimpleNamespace(changes={"event_types": ["other.*"]}, changed_data=["event_types"])
    site._registry[Endpoint].save_model(None, endpoint, form, True)


@pytest.mark.parametrize("change", list(CHANGES.values()), ids=list(CHANGES))
def test_every_change_of_who_listens_is_seen_at_once(endpoint, alice, bob, change):
    one, two = endpoint(alice), endpoint(bob)
    before = listeners.current()
    change(one, two)
    now = listeners.current()
    fresh = listeners.Listeners(map(listeners.listener_of, listeners._endpoints()))
    assert now is not before
    assert now._by_id == fresh._by_id != before._by_id


@pytest.mark.django_db(transaction=True)
def test_what_another_process_changes_is_seen_once_it_has_committed(endpoint, alice, other_connection, ids):
    one, two = endpoint(alice), endpoint(alice)
    assert ids() == [one.pk, two.pk]
    with other_connection() as other:
        other.execute("UPDATE webhooks_endpoint SET disabled_reason = 'x' WHERE id = %s", [one.pk])
        assert ids() == [one.pk, two.pk]
        other.commit()
        assert ids() == [two.pk]
        other.execute("UPDATE webhooks_endpoint SET disabled_reason = '' WHERE id = %s", [one.pk])
        other.rollback()
        assert ids() == [two.pk]


@pytest.mark.django_db(transaction=True)
def test_what_was_read_in_a_transaction_that_was_rolled_back_is_not_taken_for_what_comes_after(endpoint, alice, ids):
    one = endpoint(alice)
    for topic in ("first", "second"):
        try:
            with transaction.atomic():
                Endpoint.objects.update(topics=[topic])
                assert ids() == []
                raise InterruptedError
        except InterruptedError:
            pass
        assert ids() == [one.pk]
    Endpoint.objects.update(topics=["third"])
    assert ids() == []


@pytest.mark.django_db(transaction=True)
def test_an_endpoint_that_changes_while_the_endpoints_are_read_is_seen_by_the_next(
    endpoint, alice, other_connection, ids, monkeypatch
):
    one = endpoint(alice)
    read = listeners._endpoints

    def change_then_read():
        with other_connection() as other:
            other.execute("UPDATE webhooks_endpoint SET disabled_reason = 'x' WHERE id = %s", [one.pk])
        monkeypatch.setattr(listeners, "_endpoints", read)
        return [one]

    monkeypatch.setattr(listeners, "_endpoints", change_then_read)
    assert ids() == [one.pk]
    assert ids() == []


@pytest.mark.django_db(transaction=True)
def test_transactions_that_change_endpoints_side_by_side_do_not_wait_for_each_other_and_are_all_seen(
    endpoint, alice, other_connection, ids
):
    one, two, three = (endpoint(alice) for _ in range(3))
    off = "UPDATE webhooks_endpoint SET disabled_reason = 'x' WHERE id = %s"
    with other_connection() as first, other_connection() as second:
        assert ids() == [one.pk, two.pk, three.pk]
        for other, changed in ((first, one), (second, two)):
            other.execute("SET lock_timeout = '5s'")
            other.execute(off, [changed.pk])
            other.execute(off, [changed.pk])
        second.commit()
        assert ids() == [one.pk, three.pk]
        first.commit()
        assert ids() == [three.pk]
    assert EndpointRevision.objects.count() == 2


def test_what_says_nothing_of_who_listens_changes_nothing(endpoint, alice):
    one = endpoint(alice)
    before = listeners.current()
    Endpoint.objects.filter(pk=one.pk).update(failures_in_row=3, enabled=False, url="https://example.com/other")
    assert listeners.current() is before


def test_without_a_revision_nothing_is_held(endpoint, alice, ids):
    endpoint(alice)
    EndpointRevision.objects.all().delete()
    assert listeners.current() is not listeners.current()
    assert len(ids()) == 1
