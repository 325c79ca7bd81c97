import asyncio
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError, transaction
from django.test import RequestFactory
from django.utils import timezone

from config import pages
from events.models import Outbox


@pytest.fixture(autouse=True)
def templates(settings):
    """One template that shows what it is given."""
    loaders = [("django.template.loaders.locmem.Loader", {"error.html": "{{ status }} {{ title }}: {{ detail }}"})]
    [engine] = settings.TEMPLATES
    options = engine["OPTIONS"] | {"loaders": loaders}
    settings.TEMPLATES = [{"BACKEND": engine["BACKEND"], "OPTIONS": options}]


def test_healthz_touches_no_database(client):
    # Without the database fixture a query would be an error.
    response = client.get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok\n")


@pytest.mark.django_db
def test_readyz_says_that_every_part_answers(client):
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {"process": "ok", "database": "ok", "broker": "ok", "log": "ok"}


@pytest.mark.django_db
def test_readyz_names_a_broker_that_does_not_answer(client, monkeypatch):
    def refuse(key):
        raise ConnectionError("redis://user:secret@host is away")

    monkeypatch.setattr(cache, "get", refuse)
    response = client.get("/readyz")
    assert (response.status_code, response.json()["broker"]) == (503, "ConnectionError")
    assert response.json()["database"] == "ok"
    assert b"secret" not in response.content


@pytest.mark.django_db
def test_readyz_names_a_database_that_does_not_answer(client, monkeypatch):
    def refuse():
        raise OperationalError("away")

    monkeypatch.setattr("django.db.backends.base.base.BaseDatabaseWrapper.cursor", lambda self: refuse())
    response = client.get("/readyz")
    assert (response.status_code, response.json()["database"]) == (503, "OperationalError")
    assert response.json()["broker"] == "ok"


@pytest.mark.django_db
@pytest.mark.parametrize(("seconds", "status", "said"), [(pages.LAG_MAX_SECONDS + 5, 503, "Lagging"), (1, 200, "ok")])
def test_readyz_names_a_log_that_does_not_keep_up(client, feed, seconds, status, said):
    Outbox.objects.update(time=timezone.now() - timedelta(seconds=seconds))
    with transaction.atomic():
        response = client.get("/readyz")
    assert (response.status_code, response.json()["log"]) == (status, said)


def test_an_unknown_path_of_the_api_is_a_problem_document(client, db):
    response = client.get("/api/v1/nothing/")
    assert response.headers["Content-Type"] == "application/problem+json"
    assert (response.status_code, response.json()["code"], response.json()["errors"]) == (404, "not_found", [])


def test_an_unknown_page_is_a_page(client, db):
    response = client.get("/nothing/")
    assert response.headers["Content-Type"].startswith("text/html")
    assert response.content.decode().startswith("404 Nothing here")


@pytest.mark.parametrize(("path", "kind"), [("/api/x/", "application/problem+json"), ("/x/", "text/html")])
@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (lambda request: pages.bad_request(request, ValueError("secret")), 400),
        (lambda request: pages.bad_request(request, RequestDataTooBig("secret")), 413),
        (lambda request: pages.forbidden(request, PermissionError("secret")), 403),
        (lambda request: pages.not_found(request, LookupError("secret")), 404),
        (pages.server_error, 500),
    ],
)
def test_each_answer_without_a_view_has_its_status_in_either_form(answer, status, path, kind):
    response = answer(RequestFactory().get(path))
    assert response.status_code == status
    assert response.headers["Content-Type"].startswith(kind)
    assert b"secret" not in response.content


def test_the_page_of_a_failure_asks_neither_session_nor_database():
    # A request without user and session: a context processor that asked for them would raise.
    class Broken:
        path = "/x/"

        def __getattr__(self, name):
            raise OperationalError("away")

    assert pages.server_error(Broken()).status_code == 500


def test_healthz_runs_on_the_event_loop():
    assert asyncio.iscoroutinefunction(pages.alive)


def test_every_answer_carries_the_policy_of_what_a_page_may_load(client):
    policy = client.get("/healthz").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy
