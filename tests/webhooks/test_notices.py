import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from access.models import User
from events import catalogue
from events import notices as events_notices
from webhooks import notices
from webhooks.models import Attempt, Delivery


@pytest.fixture
def told(monkeypatch):
    """What is told of attempts, by topic, all that waits taken together."""
    waiting = []
    monkeypatch.setattr(events_notices, "tell", lambda digest, attempts: waiting.extend(attempts))
    return lambda: {topic: make() for topic, make in notices.digest(waiting)} if waiting else {}


@pytest.fixture
def attempt():
    """Write down a try."""

    def make(delivery, status_code=200, **fields):
        delivery.status = "succeeded" if status_code == 200 else "pending"
        fields = {"number": 1, "started_at": timezone.now(), "duration_ms": 5, "response_body": "b" * 10_000} | fields
        return Attempt.objects.create(delivery=delivery, status_code=status_code, **fields)

    return make


def test_an_endpoints_owner_is_told_of_tries_with_their_deliveries_and_without_bodies(
    alice, endpoint, deliver, attempt, told
):
    made = endpoint(alice)
    deliveries = deliver("ding", "dong")
    tries = [attempt(deliveries[0]), attempt(deliveries[1], 500, error="The receiver answered 500.")]
    notices.tell(tries)
    data = told()[f"webhooks.{made.pk}"]
    assert data["counts"] == {"succeeded": 1, "failed": 1}
    assert [(row["id"], row["status"]) for row in data["deliveries"]] == [
        (deliveries[0].pk, "succeeded"),
        (deliveries[1].pk, "pending"),
    ]
    assert [(row["delivery"], row["status_code"]) for row in data["attempts"]] == [
        (deliveries[0].pk, 200),
        (deliveries[1].pk, 500),
    ]
    assert "bbb" not in str(data)


def test_operators_are_told_a_summary_by_endpoint(alice, endpoint, deliver, attempt, told):
    first, second = endpoint(alice), endpoint(alice, url="https://example.com/other")
    tries = [attempt(delivery, 200 if delivery.endpoint_id == first.pk else None) for delivery in deliver("a", "b")]
    notices.tell(tries[:2])
    notices.tell(tries[2:])
    assert told()["operations"] == {
        "webhooks": {str(first.pk): {"succeeded": 2}, str(second.pk): {"failed": 2}},
    }


def test_of_many_tries_the_newest_are_named_and_all_are_counted(alice, endpoint, deliver, attempt, told):
    made = endpoint(alice)
    tries = [attempt(delivery) for delivery in deliver(*map(str, range(30)))]
    notices.tell(tries[:25])
    notices.tell(tries[25:])
    data = told()[f"webhooks.{made.pk}"]
    assert data["counts"] == {"succeeded": 30}
    assert [row["id"] for row in data["attempts"]] == [each.pk for each in tries[-20:]]
    assert {row["id"] for row in data["deliveries"]} == {each.delivery_id for each in tries[-20:]}


def test_of_a_delivery_with_two_tries_the_later_state_is_told(alice, endpoint, deliver, attempt, told):
    made = endpoint(alice)
    [delivery] = deliver("ding")
    notices.tell([attempt(delivery, 500)])
    notices.tell([attempt(Delivery.objects.get(), 200, number=2)])
    [row] = told()[f"webhooks.{made.pk}"]["deliveries"]
    assert row["status"] == "succeeded"


def test_telling_asks_nothing_of_the_database(alice, endpoint, deliver, attempt, told, query_count):
    endpoint(alice)
    tries = [attempt(delivery) for delivery in deliver("a", "b")]
    notices.tell(tries)
    assert query_count(told) == 0


def test_nobody_looks_at_the_attempts_while_nobody_reads():
    looked = []

    class Watched(list):
        def __iter__(self):
            looked.append(self)
            return super().__iter__()

    notices.tell(Watched([Attempt()]))
    events_notices.flush(10)
    assert looked == []


def test_nothing_is_told_of_no_tries(told):
    notices.tell([])
    assert told() == {}


def test_an_endpoints_topic_is_read_by_its_owner_and_by_operators_alone(alice, mallory, endpoint):
    topic = f"webhooks.{endpoint(alice).pk}"
    operator = User.objects.create_user(username="operator", is_staff=True)
    assert [bool(catalogue.readable(each, [topic])) for each in (alice, mallory, operator)] == [True, False, False]
    operator.user_permissions.set(Permission.objects.filter(codename="view_delivery"))
    assert catalogue.readable(User.objects.get(pk=operator.pk), [topic]) == {topic}


@pytest.mark.parametrize("strange", ["webhooks.x", "webhooks.99999999999999999999", "webhooks.0", "webhooks.-1"])
def test_a_strange_endpoint_is_nobodys(alice, strange):
    assert catalogue.readable(alice, [strange]) == set()
