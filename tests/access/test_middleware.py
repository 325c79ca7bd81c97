import json

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import AnonymousUser
from django.test import Client

from access import keys, tickets
from access.middleware import LiveAuthentication
from access.models import ApiKey, User
from access.principals import Anonymous, KeyHolder, SessionHolder
from config.rest import problem_body

pytestmark = pytest.mark.django_db(transaction=True)

HOME = b"http://localhost:8000"


def knock(query="", type="websocket", scheme="ws", **headers):
    """Open a socket or stream; return the scope that the application got, if it was let in, and what was sent."""
    scopes, sent = [], []

    async def app(scope, receive, send):
        scopes.append(scope)

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    given = {"host": b"localhost:8000"} | headers
    scope = {
        "type": type,
        "scheme": scheme,
        "path": "/live",
        "query_string": query.encode(),
        "client": ("192.0.2.7", 4711),
        "headers": [(name.replace("_", "-").encode(), value) for name, value in given.items()],
    }
    async_to_sync(LiveAuthentication(app, problem_body))(scope, receive, send)
    return (scopes or [None])[0], sent


def cookie(user):
    client = Client()
    client.force_login(user)
    return f"sessionid={client.cookies['sessionid'].value}".encode()


def bearer(user):
    return f"Bearer {keys.mint(user)}".encode()


def test_the_session_says_who_it_is(alice):
    scope, sent = knock(cookie=cookie(alice), origin=HOME)
    assert (scope["principal"].user, sent) == (alice, [])
    assert scope["principal"].still_valid() is True


def test_a_program_with_the_cookie_sends_no_origin(alice):
    assert knock(cookie=cookie(alice))[0]["principal"].user == alice


def test_a_key_says_who_it_is_and_goes_before_the_session(alice, bob):
    assert knock(authorization=bearer(bob), cookie=cookie(alice))[0]["principal"].user == bob


def test_nobody_is_anonymous():
    scope, _ = knock()
    assert isinstance(scope["principal"].user, AnonymousUser) and scope["principal"].still_valid() is True


@pytest.mark.parametrize(
    "header", [b"sessionid=unknown-but-long-enough", b"sessionid=", b"x", b'sessionid="\\000abcdefgh"']
)
def test_a_session_that_is_none_is_anonymous(header):
    assert isinstance(knock(cookie=header)[0]["principal"].user, AnonymousUser)


@pytest.mark.parametrize("header", [b"Bearer tw_unknown", b"Bearer ", b"bearer \xff"])
def test_a_wrong_key_is_accepted_and_then_told_to_leave(header):
    scope, sent = knock(authorization=header)
    assert scope is None
    assert [message["type"] for message in sent] == ["websocket.accept", "websocket.close"]
    assert sent[1]["code"] == 4401


@pytest.mark.parametrize(
    "origin",
    [
        b"https://evil.example",
        b"null",
        b"http://localhost:8001",
        b"http://localhost:8000.evil.example",
        b"http://[",
        b"",
        b"https://localhost:8000",
    ],
)
def test_a_foreign_page_with_the_users_cookie_is_refused(alice, origin):
    scope, sent = knock(cookie=cookie(alice), origin=origin)
    # A close before the accept is HTTP 403.
    assert (scope, sent) == (None, [{"type": "websocket.close"}])


def test_a_host_that_is_not_ours_makes_no_origin_ours(alice):
    scope, _ = knock(cookie=cookie(alice), host=b"evil.example", origin=b"https://evil.example")
    assert scope is None


def test_a_trusted_origin_is_ours(alice, settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://app.example"]
    assert knock(cookie=cookie(alice), origin=b"https://app.example")[0]["principal"].user == alice


def test_a_foreign_page_may_come_with_a_key_or_as_nobody(alice):
    assert knock(authorization=bearer(alice), origin=b"https://other.example")[0]["principal"].user == alice
    assert knock(origin=b"https://other.example")[0] is not None


def test_a_deactivated_user_is_nobody_by_cookie_and_refused_by_key(alice):
    by_cookie, by_key = cookie(alice), bearer(alice)
    User.objects.update(is_active=False)
    assert isinstance(knock(cookie=by_cookie)[0]["principal"].user, AnonymousUser)
    assert knock(authorization=by_key)[1][1]["code"] == 4401


def test_what_was_valid_ends_with_the_session_the_key_and_the_user(alice, bob, carol):
    session, key, user = (
        knock(cookie=cookie(alice))[0],
        knock(authorization=bearer(bob))[0],
        knock(cookie=cookie(carol))[0],
    )
    Client(headers={"cookie": "sessionid=" + _session_of(alice)}).post("/accounts/logout/")
    ApiKey.objects.all().delete()
    User.objects.filter(pk=carol.pk).update(is_active=False)
    assert [scope["principal"].still_valid() for scope in (session, key, user)] == [False, False, False]


def _session_of(user):
    from django.contrib.sessions.models import Session

    return next(each.pk for each in Session.objects.all() if each.get_decoded().get("_auth_user_id") == str(user.pk))


def test_a_changed_password_ends_what_was_valid(alice):
    scope = knock(cookie=cookie(alice))[0]
    alice.set_password("another tide altogether")
    alice.save()
    assert scope["principal"].still_valid() is False


# -- The principal ----------------------------------------------------------------------------------------------------


def test_who_it_is_goes_with_the_connection(alice):
    found = [
        knock(**headers)[0]["principal"]
        for headers in ({}, {"cookie": cookie(alice)}, {"authorization": bearer(alice)})
    ]
    assert [type(each) for each in found] == [Anonymous, SessionHolder, KeyHolder]
    assert [each.topic for each in found] == ["", f"users.{alice.pk}", f"users.{alice.pk}"]
    assert {each.address for each in found} == {"192.0.2.7"}


def test_nobody_costs_no_query_and_no_thread(monkeypatch):
    monkeypatch.setattr("access.middleware.database_sync_to_async", lambda *args, **kwargs: pytest.fail("a thread"))
    assert isinstance(knock(cookie=b'theme=dark; sessionid="\\000abcdefgh"')[0]["principal"], Anonymous)


def test_the_address_behind_our_proxy_is_the_one_that_it_saw(settings):
    forwarded = {"x_forwarded_for": b"203.0.113.9, 198.51.100.2"}
    assert knock(**forwarded)[0]["principal"].address == "192.0.2.7"
    settings.TIDEWIRE_BEHIND_PROXY = True
    assert knock(**forwarded)[0]["principal"].address == "198.51.100.2"
    assert knock()[0]["principal"].address == "192.0.2.7"


# -- Tickets ----------------------------------------------------------------------------------------------------------


def test_a_ticket_opens_one_connection_from_any_origin(alice):
    text, _ = tickets.make(alice, session_key=_session_key(alice))
    scope, _ = knock(f"ticket={text}", origin=b"https://other.example")
    assert scope["principal"].user == alice
    assert knock(f"ticket={text}")[1][1]["code"] == 4401


@pytest.mark.parametrize("query", ["ticket=", "ticket=unknown", "ticket=%00", "ticket=%ff", "ticket=" + "x" * 500])
def test_a_ticket_that_is_none_is_told_to_leave(alice, query):
    scope, sent = knock(query, cookie=cookie(alice))
    assert (scope, sent[1]["code"]) == (None, 4401)


def _session_key(user):
    return cookie(user).decode().partition("=")[2]


# -- Streams ----------------------------------------------------------------------------------------------------------


def stream(query="", **headers):
    return knock(query, type="http", scheme="http", **headers)


def test_a_stream_is_known_as_a_socket_is(alice):
    assert stream(cookie=cookie(alice))[0]["principal"].user == alice
    assert stream(authorization=bearer(alice))[0]["principal"].user == alice
    assert stream()[0]["principal"].topic == ""


@pytest.mark.parametrize(("query", "headers"), [("", {"authorization": b"Bearer tw_x"}), ("ticket=x", {})])
def test_a_stream_with_a_wrong_credential_is_answered_401(query, headers):
    scope, [start, body] = stream(query, **headers)
    assert (scope, start["status"]) == (None, 401)
    assert dict(start["headers"])[b"content-type"] == b"application/problem+json"
    assert dict(start["headers"])[b"www-authenticate"].startswith(b"Bearer")
    assert json.loads(body["body"])["code"] == "unauthenticated"


def test_a_stream_from_a_foreign_page_with_the_cookie_is_answered_403(alice):
    scope, [start, body] = stream(cookie=cookie(alice), origin=b"https://evil.example")
    assert (scope, start["status"], json.loads(body["body"])["code"]) == (None, 403, "forbidden")


def sharing(**headers):
    scope, _ = knock(type="http", scheme="http", **headers)
    return dict(scope["response_headers"])


def test_pages_of_other_origins_may_read_a_stream_that_no_cookie_opened(alice, settings):
    allowed, credentials = b"access-control-allow-origin", b"access-control-allow-credentials"
    assert sharing(origin=b"https://other.example") == {allowed: b"*"}
    assert sharing(origin=b"https://other.example", authorization=bearer(alice)) == {allowed: b"*"}
    assert sharing(origin=b"https://evil.example", cookie=b"sessionid=unknown-but-long-enough") == {allowed: b"*"}
    assert sharing(cookie=cookie(alice)) == {}
    settings.CSRF_TRUSTED_ORIGINS = ["https://app.example"]
    assert sharing(origin=b"https://app.example", cookie=cookie(alice)) == {
        allowed: b"https://app.example",
        credentials: b"true",
    }


def test_a_page_of_another_origin_reads_its_stream_by_a_ticket(alice):
    text, _ = tickets.make(alice, api_key=keys.make(alice)[1])
    scope, _ = knock(f"ticket={text}", type="http", scheme="http", origin=b"https://other.example")
    assert scope["response_headers"] == [(b"access-control-allow-origin", b"*")]


def test_pages_speak_the_language_of_the_browser_and_to_a_user_their_own(client):
    said = client.get("/accounts/login/", headers={"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"})
    assert said["Content-Language"] == "de" and "Anmelden" in said.content.decode()
    assert "Accept-Language" in said["Vary"]
    dave = User.objects.create_user("dave", language="en")
    client.force_login(dave)
    assert client.get("/", headers={"Accept-Language": "de"})["Content-Language"] == "en"
    User.objects.filter(pk=dave.pk).update(language="de")
    assert client.get("/")["Content-Language"] == "de"


def test_the_api_speaks_english_whatever_the_browser_prefers(client):
    said = client.get("/api/v1/nothing/", headers={"Accept-Language": "de"})
    assert said.json()["detail"] == "There is nothing at this address."


async def test_pages_speak_it_on_the_event_loop_too(async_client):
    said = await async_client.get("/accounts/login/", headers={"Accept-Language": "de"})
    assert said["Content-Language"] == "de"
