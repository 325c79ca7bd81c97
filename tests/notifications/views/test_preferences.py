import json
from uuid import uuid4

import pytest

from notifications.models import Habit, Preference, ThreadMute

URL = "/api/v1/notifications/"


def test_preferences_are_given_whole_with_their_defaults(api, alice):
    body = api(alice).get(f"{URL}preferences/").json()
    assert list(body) == ["kinds", "quiet_hours", "digest_minutes", "time_zone", "language", "version"]
    assert body["kinds"]["like"] == {"in_app": True, "email": False, "web_push": False}
    assert body["kinds"]["mention"] == {"in_app": True, "email": True, "web_push": True}
    assert "notice" not in body["kinds"]
    rest = {"quiet_hours": None, "digest_minutes": {"email": 60, "web_push": 0}, "time_zone": "UTC", "language": "en"}
    assert {name: body[name] for name in rest} == rest


def test_what_is_put_is_what_is_got_and_what_is_left_out_is_the_default(api, alice):
    client = api(alice)
    wanted = client.get(f"{URL}preferences/").json()
    default = json.loads(json.dumps(wanted))
    wanted["kinds"]["like"]["email"] = True
    wanted |= {"quiet_hours": {"from": "22:00", "to": "07:30"}, "time_zone": "Europe/Berlin", "language": "de"}
    wanted["digest_minutes"]["email"] = 120
    assert client.put(f"{URL}preferences/", wanted).json() == wanted | {"version": 1}
    assert client.get(f"{URL}preferences/").json() == wanted | {"version": 1}
    assert Preference.objects.count() == 1
    assert client.put(f"{URL}preferences/", {}).json() == default | {"version": 2}
    assert not Preference.objects.exists() and Habit.objects.get().quiet_from is None


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"kinds": {"like": {"email": "perhaps"}}}, "kinds.like.email"),
        ({"kinds": {"like": {"pigeon": True}}}, "kinds.like.pigeon"),
        ({"kinds": {"notice": {"email": False}}}, "kinds.notice"),
        ({"kinds": []}, "kinds"),
        ({"quiet_hours": {"from": "22:00"}}, "quiet_hours.to"),
        ({"quiet_hours": {"from": "22:00", "to": "22:00"}}, "quiet_hours"),
        ({"quiet_hours": {"from": "25:00", "to": "22:00"}}, "quiet_hours.from"),
        ({"digest_minutes": {"email": -1}}, "digest_minutes.email"),
        ({"digest_minutes": {"email": 10081}}, "digest_minutes.email"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": "../etc/passwd"}, "time_zone"),
        ({"language": "tlh"}, "language"),
        ({"colour": "blue"}, "colour"),
    ],
)
def test_preferences_that_are_none_are_400_and_change_nothing(api, alice, data, field):
    response = api(alice).put(f"{URL}preferences/", data)
    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, field)
    assert not Preference.objects.exists() and not Habit.objects.exists()


def test_a_thread_is_muted_by_a_notification_or_by_its_subject(api, alice, bob, notify):
    row, client = notify(alice, bob, subject="9"), api(alice)
    for path in (f"{URL}{row.pk}/mute/", f"{URL}mutes/entry/9/"):
        assert client.put(path).json() == {"muted": True} == client.put(path).json()
        [mute] = client.get(f"{URL}mutes/").json()["results"]
        assert mute["subject"] == {"type": "entry", "id": "9"}
        assert client.delete(path).status_code == 204 == client.delete(path).status_code
        assert not ThreadMute.objects.exists()


@pytest.mark.parametrize("path", ["mutes/pigeon/9/", "mutes/entry/x/", "mutes/entry/99999999999999999999/"])
def test_what_cannot_be_muted_is_400(api, alice, path):
    assert api(alice).put(URL + path).status_code == 400


def test_mallory_mutes_nothing_of_alices(api, alice, bob, mallory, notify):
    row = notify(alice, bob)
    assert api(mallory).put(f"{URL}{row.pk}/mute/").status_code == 404
    assert api(mallory).get(f"{URL}{row.pk}/decisions/").status_code == 404


@pytest.mark.parametrize("path", ["preferences/", "mutes/", "1/decisions/"])
def test_a_stranger_has_no_preferences(api, db, path):
    assert api().get(URL + path).status_code == 401


def test_why_one_was_told_is_answered(api, alice, bob, carol, notify):
    row = notify(alice, bob, subject="9")
    notify(alice, carol, subject="9")
    rows = api(alice).get(f"{URL}{row.pk}/decisions/").json()["results"]
    told = [(each["outcome"], each["reason"]) for each in rows if each["channel"] == "in_app"]
    assert told == [("grouped", ""), ("sent", "")]
    assert rows[0]["event"] and rows[0]["at"]


def test_what_is_preferred_and_muted_is_told_to_ones_devices_as_it_is_read(api, alice, log):
    client = api(alice)
    client.put(f"{URL}preferences/", {"language": "de"})
    client.put(f"{URL}mutes/entry/9/")
    client.put(f"{URL}mutes/entry/9/")
    client.delete(f"{URL}mutes/entry/9/")
    client.delete(f"{URL}mutes/entry/9/")
    told = [each for each in log("type", "topic", "data") if each[0].startswith("notifications.")]
    mine, subject = f"users.{alice.pk}", {"subject": {"type": "entry", "id": "9"}}
    assert told == [
        ("notifications.preferences.changed", mine, {"preferences": client.get(f"{URL}preferences/").json()}),
        ("notifications.thread.muted", mine, subject),
        ("notifications.thread.unmuted", mine, subject),
    ]


def test_why_one_was_not_told_is_answered_by_event(api, alice, bob, mallory, notify):
    event = uuid4()
    notify(alice, alice, source_event=event)
    notify(alice, bob)
    client = api(alice)
    [row] = client.get(f"{URL}decisions/", {"event": str(event)}).json()["results"]
    assert (row["outcome"], row["reason"], row["event"]) == ("dropped", "own_doing", str(event))
    assert len(client.get(f"{URL}decisions/").json()["results"]) == 2
    assert api(mallory).get(f"{URL}decisions/", {"event": str(event)}).json()["results"] == []
    response = client.get(f"{URL}decisions/", {"event": "x"})
    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "event")
