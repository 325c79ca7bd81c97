from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from access import keys
from access.models import ApiKey, Application


def test_a_key_is_found_by_its_text_with_its_user(alice):
    text = keys.mint(alice, name="laptop")
    assert text.startswith("tw_")
    assert (keys.find(text).user, keys.find(text).name) == (alice, "laptop")


def test_the_text_of_a_key_is_nowhere_kept(alice):
    text = keys.mint(alice)
    [row] = ApiKey.objects.values()
    assert text[8:] not in str({name: bytes(value) if name == "hash" else value for name, value in row.items()})
    assert row["hint"] == text[:8]


def test_two_keys_differ(alice):
    assert keys.mint(alice) != keys.mint(alice)


@pytest.mark.parametrize("change", [lambda text: text[:-1], lambda text: text + "x", str.upper, lambda text: text[3:]])
def test_another_text_opens_nothing(alice, change):
    assert keys.find(change(keys.mint(alice))) is None


@pytest.mark.parametrize("text", ["", "tw_", "sk_abc", "tw_é", "tw_\0", "tw_" + "x" * 1000])
def test_what_is_no_key_opens_nothing(db, text):
    assert keys.find(text) is None


@pytest.mark.parametrize(
    "change",
    [
        {"expires_at": timezone.now() - timedelta(seconds=1)},
        {"revoked_at": timezone.now()},
    ],
)
def test_an_expired_or_revoked_key_opens_nothing(alice, change):
    text = keys.mint(alice)
    ApiKey.objects.update(**change)
    assert keys.find(text) is None


def test_a_key_that_expires_later_opens_still(alice):
    text = keys.mint(alice)
    ApiKey.objects.update(expires_at=timezone.now() + timedelta(minutes=1))
    assert keys.find(text) is not None


def test_a_key_of_a_deactivated_user_opens_nothing(alice):
    text = keys.mint(alice)
    alice.is_active = False
    alice.save()
    assert keys.find(text) is None


def test_a_use_is_noted_at_most_once_a_minute(alice, query_count):
    text = keys.mint(alice)
    assert ApiKey.objects.get().last_used_at is None
    assert query_count(lambda: keys.find(text)) == 2
    assert timezone.now() - ApiKey.objects.get().last_used_at < timedelta(seconds=10)
    assert query_count(lambda: keys.find(text)) == 1
    ApiKey.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    assert query_count(lambda: keys.find(text)) == 2


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("Bearer tw_a", "tw_a"),
        ("bearer  tw_a ", "tw_a"),
        ("Bearer", ""),
        ("Basic dXNlcg==", None),
        ("", None),
        ("tw_a", None),
    ],
)
def test_the_header_says_bearer(header, text):
    assert keys.bearer(header) == text


# -- manage.py apikey -------------------------------------------------------------------------------------------------


def apikey(*arguments):
    out, err = StringIO(), StringIO()
    call_command("apikey", "create", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_the_command_prints_the_key_and_nothing_else_on_stdout(alice):
    out, err = apikey("--user", "alice", "--application", "Shell")
    assert keys.find(out.removesuffix("\n")).user == alice
    assert ApiKey.objects.get().application.name == "Shell"
    assert "alice" in err and out.strip() not in err


def test_the_command_makes_an_application_once(alice):
    for _ in range(2):
        apikey("--user", "alice", "--application", "Shell")
    apikey("--user", "alice")
    assert [key.application and key.application.owner for key in ApiKey.objects.order_by("pk")] == [alice, alice, None]
    assert Application.objects.get().api_keys.count() == 2


def test_the_user_of_an_applications_key_acts_by_it(alice):
    program = Application.objects.create(owner=alice, name="Shell")
    assert keys.find(keys.mint(alice, application=program)).user.acting_application == program
    assert keys.find(keys.mint(alice)).user.acting_application is None


@pytest.mark.parametrize("name", ["nobody", ""])
def test_the_command_says_that_there_is_no_such_user(alice, name):
    with pytest.raises(CommandError, match="no active user"):
        apikey("--user", name)


def test_the_command_makes_no_key_for_a_deactivated_user(alice):
    alice.is_active = False
    alice.save()
    with pytest.raises(CommandError, match="no active user"):
        apikey("--user", "alice")
    assert not ApiKey.objects.exists()
