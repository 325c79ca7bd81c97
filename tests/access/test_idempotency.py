import json
import threading
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.http import HttpResponse, JsonResponse
from django.test import AsyncClient, RequestFactory
from django.utils import timezone
from rest_framework.test import APIClient

from access import idempotency, keys
from access.middleware import Idempotency
from access.models import IdempotentAnswer
from access.tasks import forget_idempotency_keys
from feeds.models import Entry, Feed

KEY = {"Idempotency-Key": "one"}


@pytest.fixture
def url(feed):
    return f"/api/v1/feeds/{feed.pk}/entries/"


def test_a_repeated_request_gets_the_same_answer_and_does_nothing_again(api, alice, url, outbox):
    client = api(alice)
    first, second = (client.post(url, {"text": "Once"}, headers=KEY) for _ in range(2))
    assert (first.status_code, first.content) == (second.status_code, second.content) and first.status_code == 201
    assert "Idempotent-Replayed" not in first.headers and second.headers["Idempotent-Replayed"] == "true"
    assert Entry.objects.count() == 1 and outbox().count("feeds.entry.published") == 1


def test_without_a_key_it_is_done_twice(api, alice, url):
    client = api(alice)
    assert [client.post(url, {"text": "Twice"}).status_code for _ in range(2)] == [201, 201]
    assert Entry.objects.count() == 2


def test_another_body_with_the_same_key_is_unprocessable(api, alice, url):
    client = api(alice)
    client.post(url, {"text": "Once"}, headers=KEY)
    response = client.post(url, {"text": "Other"}, headers=KEY)
    assert (response.status_code, response.json()["code"]) == (422, "unprocessable")
    assert response.headers["Content-Type"] == "application/problem+json"
    assert Entry.objects.count() == 1


def test_the_key_belongs_to_a_path_and_to_a_caller(api, alice, bob, url, feed):
    Feed.objects.create(owner=alice, slug="news", title="News")
    other = f"/api/v1/feeds/{Feed.objects.get(slug='news').pk}/entries/"
    statuses = [
        api(user).post(path, {"text": "Hi"}, headers=KEY).status_code
        for user, path in ((alice, url), (alice, other), (bob, url))
    ]
    assert statuses == [201, 201, 403]


def test_the_key_works_for_a_session_and_for_any_key_of_the_user(api, alice, url):
    session = APIClient()
    session.force_login(alice)
    answers = [
        client.post(url, {"text": "Once"}, headers=KEY).json()["id"] for client in (session, api(alice), api(alice))
    ]
    assert len(set(answers)) == 1


def test_a_failed_request_is_not_remembered(api, alice, url):
    client = api(alice)
    assert client.post(url, {"text": ""}, headers=KEY).status_code == 400
    assert not IdempotentAnswer.objects.exists()
    assert client.post(url, {"text": "Now"}, headers=KEY).status_code == 201


def test_a_request_that_crashed_is_not_remembered_and_did_nothing(api, alice, url, monkeypatch):
    def crash(self, data):
        raise RuntimeError

    client = api(alice)
    client.raise_request_exception = False
    with monkeypatch.context() as patch:
        patch.setattr("feeds.serializers.EntrySerializer.to_representation", crash)
        assert client.post(url, {"text": "Half"}, headers=KEY).status_code == 500
    assert not Entry.objects.exists() and not IdempotentAnswer.objects.exists()
    assert client.post(url, {"text": "Half"}, headers=KEY).status_code == 201


def test_an_anonymous_caller_is_refused_as_without_a_key(api, url):
    responses = [api().post(url, {"text": "Hi"}, headers=headers) for headers in (KEY, {})]
    assert [response.status_code for response in responses] == [401, 401]
    assert not IdempotentAnswer.objects.exists()


def test_a_wrong_key_of_access_is_refused(url):
    response = APIClient().post(url, {"text": "Hi"}, headers=KEY | {"Authorization": "Bearer tw_wrong"})
    assert (response.status_code, IdempotentAnswer.objects.count()) == (401, 0)


def test_reads_and_idempotent_methods_ignore_the_key(api, alice, url, publish):
    client, entry = api(alice), publish()
    assert client.get(url, headers=KEY).status_code == 200
    assert client.put(f"/api/v1/entries/{entry.pk}/like/", headers=KEY).status_code == 200
    assert not IdempotentAnswer.objects.exists()


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
def test_a_key_that_is_empty_too_long_or_unprintable_is_400(api, alice, url, key):
    response = api(alice).post(url, {"text": "Hi"}, headers={"Idempotency-Key": key})
    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "Idempotency-Key")
    assert not Entry.objects.exists()


def test_a_key_of_255_characters_is_taken(api, alice, url):
    assert api(alice).post(url, {"text": "Hi"}, headers={"Idempotency-Key": "é" * 255}).status_code == 201


def test_an_answer_that_held_a_secret_is_not_repeated_nor_kept(alice):
    def answer():
        response = JsonResponse({"secret": "whsec_x"}, status=201)
        response.holds_secret = True
        return response

    request = idempotency.Request("user:1", "POST", "/api/x/", "one", b"{}")
    assert b"whsec_x" in idempotency.answer_once(request, answer).content
    with pytest.raises(idempotency.SecretAnswer):
        idempotency.answer_once(request, answer)
    assert IdempotentAnswer.objects.get().body == ""


def test_an_endpoint_made_twice_is_a_conflict_the_second_time(api, alice):
    client, body = api(alice), {"url": "https://example.com/hook"}
    first, second = (client.post("/api/v1/webhooks/endpoints/", body, headers=KEY) for _ in range(2))
    assert first.status_code == 201 and first.json()["secret"]
    assert (second.status_code, second.json()["code"]) == (409, "conflict")
    assert first.json()["secret"] not in str(list(IdempotentAnswer.objects.values()))


def test_a_first_request_that_takes_too_long_is_a_conflict(api, alice, url, monkeypatch):
    def at_work(request):
        raise idempotency.StillRunning

    monkeypatch.setattr(idempotency, "_claim", at_work)
    response = api(alice).post(url, {"text": "Hi"}, headers=KEY)
    assert (response.status_code, response.json()["code"]) == (409, "conflict")


def in_threads(count, work):
    def run(number):
        try:
            work(number)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[number]) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)


@pytest.mark.django_db(transaction=True)
def test_of_concurrent_requests_with_one_key_one_works_and_all_get_its_answer(alice, url):
    key, answers = keys.mint(alice), []

    def ask(number):
        client = APIClient(headers=KEY | {"Authorization": f"Bearer {key}"})
        response = client.post(url, {"text": "Once"})
        answers.append((response.status_code, response.content))

    in_threads(4, ask)
    assert len(answers) == 4 and len(set(answers)) == 1 and answers[0][0] == 201
    assert Entry.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_second_request_waits_for_the_first_and_then_gives_up(monkeypatch):
    monkeypatch.setattr(idempotency, "WAIT_FOR_FIRST", "100ms")
    request = idempotency.Request("user:1", "POST", "/api/x/", "one", b"{}")
    begun, gave_up, raised = threading.Event(), threading.Event(), []

    def slow():
        begun.set()
        gave_up.wait(10)
        return HttpResponse(status=204)

    def ask(number):
        try:
            if number == 0:
                idempotency.answer_once(request, slow)
            else:
                begun.wait(10)
                idempotency.answer_once(request, lambda: pytest.fail("done twice"))
        except idempotency.StillRunning:
            raised.append(number)
        finally:
            gave_up.set() if number else None

    in_threads(2, ask)
    assert raised == [1]
    assert IdempotentAnswer.objects.get().status == 204


def test_old_answers_are_forgotten_and_young_ones_kept(api, alice, url, settings, monkeypatch):
    monkeypatch.setattr(idempotency, "CHUNK", 1)
    client = api(alice)
    for key in ("old", "older", "young"):
        client.post(url, {"text": key}, headers={"Idempotency-Key": key})
    past = timezone.now() - timedelta(hours=settings.TIDEWIRE_IDEMPOTENCY_HOURS, minutes=1)
    IdempotentAnswer.objects.exclude(key="young").update(created_at=past)

    assert forget_idempotency_keys() == 2
    assert IdempotentAnswer.objects.get().key == "young"


# -- Through the asynchronous server ----------------------------------------------------------------------------------


def test_it_holds_under_the_asynchronous_server_too(alice, url):
    headers = KEY | {"Authorization": f"Bearer {keys.mint(alice)}"}

    async def ask():
        client = AsyncClient()
        body = {"data": json.dumps({"text": "Once"}), "content_type": "application/json"}
        return [await client.post(url, **body, headers=headers) for _ in range(2)]

    first, second = async_to_sync(ask)()
    assert (first.status_code, second.status_code) == (201, 201) and first.content == second.content
    assert Entry.objects.count() == 1


@pytest.mark.parametrize("make", [APIClient, AsyncClient])
def test_a_view_that_is_asynchronous_is_served_with_a_key_as_without(alice, make):
    headers = {"Authorization": f"Bearer {keys.mint(alice)}"}
    how = {"data": "{}", "content_type": "application/json"}

    def post(headers):
        client = make()
        if isinstance(client, AsyncClient):
            return async_to_sync(client.post)("/api/v1/events/", **how, headers=headers)
        return client.post("/api/v1/events/", **how, headers=headers)

    assert post(headers | KEY).status_code == post(headers).status_code


def test_a_request_without_a_key_costs_no_thread():
    seen = []

    async def inner(request):
        return HttpResponse()

    middleware = Idempotency(inner)

    async def ask():
        request = RequestFactory().post("/api/x/")
        seen.append(await middleware.process_view(request, None, (), {}))
        return await middleware(request)

    assert async_to_sync(ask)().status_code == 200 and seen == [None]
