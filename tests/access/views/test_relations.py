from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from access.models import Block, Mute
from events.encoding import timestamp

HUGE = 10**30


@pytest.fixture
def call(api):
    def call(user, method, path, data=None):
        response = getattr(api(user), method)(f"/api/v1/access/{path}", data)
        return response.status_code, (response.json() if response.content else None)

    return call


@pytest.mark.parametrize(("path", "noun"), [("blocks", "blocked"), ("mutes", "muted")])
def test_a_user_is_put_on_the_list_once_and_taken_off_it(call, alice, bob, log, path, noun):
    status, body = call(alice, "put", f"{path}/{bob.pk}/")
    assert (status, body["user"], body["version"]) == (200, {"id": bob.pk, "username": "bob"}, 1)
    assert call(alice, "put", f"{path}/{bob.pk}/") == (200, body)
    assert call(alice, "get", f"{path}/")[1]["results"] == [body]
    assert call(bob, "get", f"{path}/")[1]["results"] == []
    for _ in range(2):
        assert call(alice, "delete", f"{path}/{bob.pk}/") == (204, None)
    assert call(alice, "get", f"{path}/")[1]["results"] == []
    told = [(type, topic) for type, topic in log("type", "topic") if type.startswith("access.user.")]
    assert told == [(f"access.user.{noun}", f"users.{alice.pk}"), (f"access.user.un{noun}", f"users.{alice.pk}")]


@pytest.mark.parametrize("path", ["blocks", "mutes"])
def test_who_is_not_there_oneself_and_strangers_are_refused(call, alice, path):
    assert call(alice, "put", f"{path}/{alice.pk}/")[0] == 400
    for nobody in (0, 2**31 - 1, HUGE):
        assert call(alice, "put", f"{path}/{nobody}/")[0] == 404
        assert call(alice, "delete", f"{path}/{nobody}/")[0] == 204
    assert call(alice, "put", f"{path}/{alice.pk}/", {"x": 1})[0] == 400
    for method, where in (("get", ""), ("put", f"{alice.pk}/"), ("delete", f"{alice.pk}/")):
        assert call(None, method, f"{path}/{where}")[0] == 401


def test_a_mute_has_an_end_that_can_be_moved(call, alice, bob, log):
    end = timezone.now() + timedelta(hours=1)
    body = call(alice, "put", f"mutes/{bob.pk}/", {"until": timestamp(end)})[1]
    assert body["until"] == timestamp(end)
    body = call(alice, "put", f"mutes/{bob.pk}/")[1]
    assert (body["until"], body["version"]) == (None, 2)
    assert log().count("access.user.muted") == 2
    for wrong in ("soon", timestamp(timezone.now() - timedelta(seconds=1)), 7):
        status, error = call(alice, "put", f"mutes/{bob.pk}/", {"until": wrong})
        assert (status, error["errors"][0]["field"]) == (400, "until")


def test_a_mute_whose_time_is_over_is_not_listed(call, alice, bob):
    Mute.objects.create(muter=alice, muted=bob, until=timezone.now() - timedelta(seconds=1))
    assert call(alice, "get", "mutes/")[1]["results"] == []


@pytest.mark.parametrize("path", ["blocks", "mutes"])
def test_the_list_is_bounded(call, alice, bob, carol, settings, path):
    settings.TIDEWIRE_USER_MAX_BLOCKS = 1
    assert call(alice, "put", f"{path}/{bob.pk}/")[0] == 200
    status, body = call(alice, "put", f"{path}/{carol.pk}/")
    assert (status, body["errors"][0]["code"]) == (400, "too_many")
    assert call(alice, "put", f"{path}/{bob.pk}/")[0] == 200


@pytest.mark.parametrize("path", ["blocks", "mutes"])
def test_the_list_costs_the_same_however_long_it_is(api, alice, bob, carol, mallory, query_count, path):
    client = api(alice)
    client.put(f"/api/v1/access/{path}/{bob.pk}/")
    few = query_count(lambda: client.get(f"/api/v1/access/{path}/"))
    for other in (carol, mallory):
        client.put(f"/api/v1/access/{path}/{other.pk}/")
    assert query_count(lambda: client.get(f"/api/v1/access/{path}/")) == few


@pytest.mark.parametrize("fields", [{"blocker": "alice", "blocked": "alice"}, {"blocker": "alice", "blocked": "bob"}])
def test_the_database_keeps_one_block_between_two_and_none_of_oneself(alice, bob, fields):
    Block.objects.create(blocker=alice, blocked=bob)
    people = {"alice": alice, "bob": bob}
    with pytest.raises(IntegrityError), transaction.atomic():
        Block.objects.create(**{name: people[who] for name, who in fields.items()})
