"""Every path of the webhooks, also those that are still to come, is shut to those whose rows they are not."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.urls.resolvers import URLPattern
from django.utils import timezone

from webhooks import models, urls

# Every row of alice's has this id, so that it is hers whatever a path's number means.
PK = 777_001
PATTERNS = [pattern for pattern in urls.urlpatterns if isinstance(pattern, URLPattern)]
OBJECTS = [pattern for pattern in PATTERNS if pattern.pattern.converters]
LISTS = [pattern for pattern in PATTERNS if not pattern.pattern.converters]
PAGES = getattr(urls, "page_urlpatterns", [])
METHODS = ("get", "head", "options", "post", "put", "patch", "delete")
TABLES = (models.Endpoint, models.Delivery, models.Attempt, models.Replay, models.RetiredSecret)


@pytest.fixture
def hers(alice, endpoint, ring):
    """One row of alice's in every table, by the same id; return what can tell her rows."""
    made = endpoint(alice, description="alices own", headers={"X": "hush"})
    [event] = ring("ding", topic=f"users.{alice.pk}")
    models.Endpoint.objects.filter(pk=made.pk).update(id=PK)
    about = {"event_id": event.event_id, "event_type": event.type, "position": event.position}
    models.Delivery.objects.create(id=PK, endpoint_id=PK, status="exhausted", next_attempt_at=None, **about)
    models.Attempt.objects.create(id=PK, delivery_id=PK, number=1, started_at=timezone.now(), duration_ms=1)
    window = {"after": 0, "upto": 1, "position": 1}
    models.Replay.objects.create(id=PK, endpoint_id=PK, requested_by=alice, only="all", status="done", **window)
    ends = timezone.now() + timedelta(hours=1)
    models.RetiredSecret.objects.create(id=PK, endpoint_id=PK, encrypted=made.encrypted_secret, expires_at=ends)
    return ("alices own", str(PK), made.url, made.secret, str(event.event_id))


@pytest.fixture
def untouched(hers):
    """Check that nothing was changed and nothing added."""
    before = [list(table.objects.order_by("pk").values()) for table in TABLES]
    yield
    assert [list(table.objects.order_by("pk").values()) for table in TABLES] == before


def path(pattern):
    return reverse(f"api:{pattern.name}", kwargs=dict.fromkeys(pattern.pattern.converters, PK))


def call(client, method, pattern):
    return getattr(client, method)(path(pattern), *([{}] if method in ("post", "put", "patch") else []))


def names(patterns):
    return pytest.mark.parametrize("pattern", patterns, ids=[each.name for each in patterns])


@names(OBJECTS)
def test_what_is_alices_does_not_exist_for_mallory_by_any_method(api, mallory, hers, untouched, pattern):
    client = api(mallory)
    for method in METHODS:
        response = call(client, method, pattern)
        expected = {200} if method == "options" else {404, 405}
        assert response.status_code in expected, (method, response.content)
        assert not any(text in response.content.decode() for text in hers)


@names(LISTS)
def test_in_no_list_is_anything_of_alices_for_mallory(api, mallory, hers, untouched, pattern):
    client = api(mallory)
    for method in METHODS:
        response = call(client, method, pattern)
        assert response.status_code in {200, 400, 405}, (method, response.content)
        assert not any(text in response.content.decode() for text in hers)


@names(PATTERNS)
def test_who_is_not_signed_in_reaches_nothing(api, hers, untouched, pattern):
    client = api()
    for method in METHODS:
        response = call(client, method, pattern)
        assert response.status_code in {401, 405}, (method, response.content)
        assert not any(text in response.content.decode() for text in hers)


@names(PAGES)
def test_on_no_page_is_anything_of_alices_for_mallory_or_a_stranger(client, mallory, hers, untouched, pattern):
    kwargs = dict.fromkeys(pattern.pattern.converters, PK)
    for is_mallory in (False, True):
        if is_mallory:
            client.force_login(mallory)
        for method in METHODS:
            response = getattr(client, method)(reverse(pattern.name, kwargs=kwargs))
            to_login = response.status_code == 302 and response["Location"].startswith(reverse("login"))
            own = is_mallory and not kwargs and response.status_code in {200, 302, 400}
            assert to_login or own or response.status_code in {401, 403, 404, 405}, (method, response.status_code)
            if not to_login:
                assert not any(text in response.content.decode() for text in hers)


@names(OBJECTS)
def test_alice_herself_reaches_every_path(api, alice, hers, pattern):
    answers = {call(api(alice), method, pattern).status_code for method in ("get", "post")}
    assert answers != {405} and 404 not in answers and max(answers) < 500


@names(OBJECTS)
def test_a_number_that_no_row_can_have_is_not_found(api, alice, pattern):
    place = reverse(f"api:{pattern.name}", kwargs=dict.fromkeys(pattern.pattern.converters, 10**20))
    assert {getattr(api(alice), method)(place, {}).status_code for method in ("get", "post")} <= {404, 405}


def test_the_public_path_tells_nothing_of_an_endpoint_without_keys(api, mallory, hers, untouched):
    [pattern] = urls.well_known_urlpatterns
    for client in (api(), api(mallory)):
        for method in METHODS:
            response = getattr(client, method)(reverse(pattern.name, kwargs={"pk": PK}))
            assert response.status_code in {200, 404, 405} and (method == "options" or response.status_code != 200)
            assert not any(text in response.content.decode() for text in hers)
