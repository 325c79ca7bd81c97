import json
import threading

import pytest
from django.db import connection, transaction
from django.urls import reverse

from access import actions, keys, principals
from access.models import Application, Grant
from access.publications import Refused
from events import relay
from events.models import Event, Outbox


def refused(*arguments, **named):
    with pytest.raises(Refused) as caught:
        actions.publish_one(*arguments, **named)
    return caught.value.code


def test_a_published_event_is_recorded_and_told_as_it_will_be_known(publisher, order, waiting):
    published = actions.publish_one(publisher, order(id="a-1", source="/shop"))
    [row] = waiting()
    assert published == {
        "id": str(row.event_id),
        "type": row.type,
        "topic": "orders.1",
        "originid": "a-1",
        "originsource": "/shop",
    }
    assert (row.data, row.extensions) == ({"total": 7}, {"originid": "a-1", "originsource": "/shop"})


def test_a_principal_publishes_as_a_user_does(publisher, order, waiting):
    actions.publish_one(principals.by_key(keys.mint(publisher)), order())
    assert len(waiting()) == 1
    assert refused(principals.Anonymous(), order()) == "unauthenticated"
    assert refused(principals.Anonymous(), order(), "key") == "unauthenticated"


def test_an_application_publishes_by_its_own_grant(alice, placed, order, waiting):
    program = Application.objects.create(owner=alice, name="Shop")
    Grant.objects.create(application=program, topic="orders.1", right="publish")
    actions.publish_one(principals.by_key(keys.mint(alice, application=program)), order())
    assert refused(principals.by_key(keys.mint(alice)), order()) == "forbidden"
    assert len(waiting()) == 1


def test_mallory_publishes_nothing_with_a_grant_to_read_or_for_another_topic(mallory, publisher, order, waiting):
    Grant.objects.create(user=mallory, topic="orders.*", right="read")
    Grant.objects.create(user=mallory, topic="invoices.*", right="publish")
    assert refused(mallory, order()) == "forbidden"
    assert waiting() == []


def test_a_right_that_was_taken_back_publishes_nothing(publisher, order):
    Grant.objects.revoke()
    assert refused(publisher, order()) == "forbidden"


def test_data_is_validated_wherever_payloads_are_not(publisher, order, settings):
    settings.TIDEWIRE_VALIDATE_PAYLOADS = False
    assert refused(publisher, order(total="7")) == "invalid"


def test_of_many_the_good_are_recorded_and_the_bad_are_told(publisher, order, waiting):
    events = [order(1), order("x"), order(2), order(topic="invoices.1"), None, order(3)]
    outcomes = actions.publish(publisher, events)
    codes = [each.code if isinstance(each, Refused) else "ok" for each in outcomes]
    assert codes == ["ok", "invalid", "ok", "forbidden", "invalid", "ok"]
    rows = waiting()
    assert [row.data["total"] for row in rows] == [1, 2, 3]
    assert [each["id"] for each in outcomes if isinstance(each, dict)] == [str(row.event_id) for row in rows]


def test_many_are_few_statements(publisher, order, query_count):
    actions.publish(publisher, [order()])
    few = query_count(lambda: actions.publish(publisher, [order()]))
    assert query_count(lambda: actions.publish(publisher, [order(topic=f"orders.{n}") for n in range(100)])) == few


def test_none_or_too_many_are_refused(publisher, order, settings):
    settings.TIDEWIRE_PUBLISH_MAX_EVENTS = 2
    for events, code in (([], "invalid"), ([order()] * 3, "too_many")):
        with pytest.raises(Refused) as caught:
            actions.publish(publisher, events)
        assert caught.value.code == code


def test_too_much_within_a_minute_is_refused(publisher, order, settings, waiting):
    settings.TIDEWIRE_USER_EVENTS_PER_MINUTE = 2
    actions.publish(publisher, [order(), order()])
    assert refused(publisher, order()) == "rate_limited"
    assert len(waiting()) == 2


@pytest.mark.django_db(transaction=True)
def test_it_is_committed_when_it_is_acknowledged(publisher, order, other_side):
    published = [actions.publish_one(publisher, order(), key) for key in (None, "one")]
    assert other_side() == {each["id"] for each in published}
    assert not connection.in_atomic_block


@pytest.fixture
def other_side():
    """Return the ids of the outbox as another connection sees them."""

    def look():
        found = []

        def run():
            found.extend(str(each) for each in Outbox.objects.values_list("event_id", flat=True))
            connection.close()

        thread = threading.Thread(target=run)
        thread.start()
        thread.join(30)
        return set(found)

    return look


def test_what_was_said_of_it_is_in_the_log_and_on_the_wire(publisher, order, announced):
    actions.publish(publisher, [order(id="a-1", source="/shop", time="2020-01-01T00:00:00Z"), order()])
    relay.run()
    [(_, envelopes)] = announced
    first, second = (json.loads(each.encoded) for each in envelopes)
    said = {name: first[name] for name in ("originid", "originsource", "origintime")}
    assert said == {"originid": "a-1", "originsource": "/shop", "origintime": "2020-01-01T00:00:00Z"}
    assert first["time"] > "2026" and first["id"] != "a-1"
    # What has no subject has none on the wire: CloudEvents knows no empty one.
    assert not {"originid", "subject", "extensions"} & set(second)
    assert list(Event.objects.order_by("position").values_list("extensions", flat=True)) == [said, None]


# -- Idempotency ------------------------------------------------------------------------------------------------------


def test_the_same_event_with_the_same_key_is_published_once(publisher, order, waiting):
    first, second = (actions.publish_one(publisher, order(), "one") for _ in range(2))
    assert first == second and len(waiting()) == 1
    assert actions.publish_one(publisher, order(), "two")["id"] != first["id"]


def test_a_replay_is_answered_whatever_has_changed_since(publisher, order, placed, waiting):
    first = actions.publish_one(publisher, order(id="a-1"), "one")
    placed.delete()
    Grant.objects.revoke()
    assert actions.publish_one(publisher, order(id="a-1"), "one") == first


def test_another_event_with_the_same_key_is_a_conflict(publisher, order, waiting):
    actions.publish_one(publisher, order(), "one")
    assert refused(publisher, order(8), "one") == "conflict"
    assert len(waiting()) == 1


def test_a_refused_event_uses_no_key_up(publisher, order):
    assert refused(publisher, order("x"), "one") == "invalid"
    assert actions.publish_one(publisher, order(), "one")


@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb", 7, ["a"]])
def test_a_bad_key_is_refused(publisher, order, key):
    assert refused(publisher, order(), key) == "invalid"


@pytest.mark.parametrize("event", [{"type": "\ud800"}, {}, None])
def test_a_bad_event_with_a_key_is_refused(publisher, event):
    assert refused(publisher, event, "one") == "invalid"


def test_a_key_means_one_event_over_http_and_over_sockets(api, publisher, order, waiting):
    assert actions.PUBLISHING["path"] == reverse("api:events")
    text = json.dumps(order(), separators=(",", ":"))
    client = api(publisher, HTTP_IDEMPOTENCY_KEY="one")
    over_http = client.post("/api/v1/events/", text, content_type="application/json")
    assert over_http.status_code == 202
    assert actions.publish_one(publisher, order(), "one") == over_http.json()
    assert len(waiting()) == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_with_one_key_one_publishes_and_all_hear_of_it(publisher, order, waiting):
    told, ready = [], threading.Barrier(6)

    def run():
        ready.wait(10)
        told.append(actions.publish_one(publisher, order(), "one")["id"])
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(told) == 6 and set(told) == {str(row.event_id) for row in waiting()}


def test_an_event_and_the_answer_commit_together(publisher, order, waiting):
    with transaction.atomic():
        actions.publish_one(publisher, order(), "one")
        transaction.set_rollback(True)
    assert waiting() == []
    assert actions.publish_one(publisher, order(8), "one")
