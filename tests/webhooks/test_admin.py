import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from access.models import User
from events import log
from webhooks.models import Attempt, Delivery, Endpoint

ENDPOINTS, DELIVERIES = reverse("admin:webhooks_endpoint_changelist"), reverse("admin:webhooks_delivery_changelist")
ADD = reverse("admin:webhooks_endpoint_add")
FORM = {"url": "https://example.com/hook", "description": "", "event_types": "*", "topics": "feeds.*", "enabled": "on"}


@pytest.fixture
def operator(db, client):
    """A client that is signed in as a superuser."""
    client.force_login(User.objects.create_superuser(username="operator"))
    return client


def test_an_operator_makes_an_endpoint_that_has_a_secret_and_stands_at_the_head(operator, alice):
    assert operator.post(ADD, FORM | {"owner": alice.pk}).status_code == 302
    made = Endpoint.objects.get()
    assert made.secret.startswith("whsec_")
    assert (made.owner, made.topics, made.created_position) == (alice, ["feeds.*"], log.head().position)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("url", "http://169.254.169.254/", "metadata"),
        ("url", "", "required"),
        ("event_types", "feeds.*.x", "not a type"),
        ("topics", "*.x", "not a topic"),
    ],
)
def test_what_the_api_refuses_is_refused_here(operator, alice, field, value, reason):
    page = operator.post(ADD, FORM | {"owner": alice.pk, field: value})
    assert reason in str(page.context["adminform"].form.errors[field])
    assert not Endpoint.objects.exists()


def test_an_operator_changes_an_endpoint_but_neither_its_owner_nor_its_secret(operator, alice, mallory, endpoint):
    made = endpoint(alice)
    change = reverse("admin:webhooks_endpoint_change", args=[made.pk])
    assert made.secret not in operator.get(change).content.decode()
    assert operator.post(change, FORM | {"owner": mallory.pk, "topics": "users.*"}).status_code == 302
    after = Endpoint.objects.get()
    assert (after.owner, after.topics, after.secret) == (alice, ["users.*"], made.secret)


def test_switching_on_clears_the_reason(operator, alice, endpoint):
    made = endpoint(alice)
    Endpoint.objects.update(enabled=False, disabled_reason="The receiver answered 410 Gone.")
    operator.post(reverse("admin:webhooks_endpoint_change", args=[made.pk]), FORM)
    assert Endpoint.objects.get().disabled_reason == ""


def test_an_endpoint_with_deliveries_can_be_deleted(operator, alice, endpoint, deliver):
    made = endpoint(alice)
    deliver("ding")
    operator.post(reverse("admin:webhooks_endpoint_delete", args=[made.pk]), {"post": "yes"})
    assert not Endpoint.objects.exists()


def resend(client, *deliveries):
    data = {"action": "resend", "_selected_action": [delivery.pk for delivery in deliveries]}
    return client.post(DELIVERIES, data, follow=True)


def test_deliveries_are_sent_again(operator, alice, endpoint, deliver):
    endpoint(alice)
    first, second = deliver("a", "b")
    Delivery.objects.update(status="exhausted", next_attempt_at=None)
    assert "2 are due now." in resend(operator, first, second).content.decode()
    assert Delivery.objects.filter(status="pending").count() == 2


def test_a_delivery_is_shown_with_its_tries_and_cannot_be_made_or_deleted(operator, alice, endpoint, deliver):
    endpoint(alice)
    [delivery] = deliver("ding")
    Attempt.objects.create(
        delivery=delivery, number=1, started_at=delivery.created_at, duration_ms=5, response_body="<script>no</script>"
    )
    page = operator.get(reverse("admin:webhooks_delivery_change", args=[delivery.pk])).content.decode()
    assert "&lt;script&gt;no" in page
    assert operator.get(reverse("admin:webhooks_delivery_add")).status_code == 403
    assert operator.get(reverse("admin:webhooks_delivery_delete", args=[delivery.pk])).status_code == 403


def test_deliveries_are_found_by_event_and_type_and_a_strange_search_finds_none(operator, alice, endpoint, deliver):
    endpoint(alice)
    [delivery] = deliver("ding")
    for term, count in [(str(delivery.event_id), 1), ("tests.bell.rang", 1), ("strange", 0)]:
        page = operator.get(DELIVERIES, {"q": term})
        assert (page.status_code, len(page.context["cl"].result_list)) == (200, count)


@pytest.mark.parametrize("path", [ENDPOINTS, DELIVERIES, ADD])
def test_alice_is_sent_to_sign_in_and_staff_without_permission_is_refused(client, alice, path):
    client.force_login(alice)
    assert client.get(path).status_code == 302
    client.force_login(User.objects.create_user(username="staff", is_staff=True))
    assert client.get(path).status_code == 403


def test_staff_that_may_only_look_sends_nothing_again(client, alice, endpoint, deliver):
    endpoint(alice)
    [delivery] = deliver("ding")
    Delivery.objects.update(status="exhausted", next_attempt_at=None)
    staff = User.objects.create_user(username="staff", is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename="view_delivery"))
    client.force_login(staff)
    resend(client, delivery)
    assert Delivery.objects.get().status == "exhausted"
