import re

import pytest
from django.contrib.auth.models import AnonymousUser
from jsonschema import Draft202012Validator

from events import catalogue
from events.catalogue import InvalidPayload, UnknownEventType, event_type
from events.payloads import fields, text
from feeds.models import Feed

EVERY_TYPE = list(catalogue.types_of_code())
PAST = re.compile(r"[a-z]+(\.[a-z_]+){2}")


@pytest.fixture
def own_kinds(monkeypatch):
    """Forget the kinds of topics and the aliases for one test."""
    monkeypatch.setattr(catalogue, "_kinds", {})
    monkeypatch.setattr(catalogue, "_aliases", {})


@pytest.mark.parametrize("declared", EVERY_TYPE, ids=lambda each: each.name)
def test_every_declared_type_is_named_told_in_a_sentence_and_has_a_valid_schema(declared):
    assert PAST.fullmatch(declared.name)
    assert declared.summary.endswith(".") and declared.summary[0].isupper()
    Draft202012Validator.check_schema(declared.schema)
    assert declared.schema["additionalProperties"] is False
    assert declared.schema["title"] == f"{declared.name}, version {declared.version}"


def test_the_types_of_the_wire_are_all_declared():
    nouns = {
        "feeds.entry": "published edited deleted counted",
        "feeds.comment": "published edited deleted",
        "feeds.feed": "followed unfollowed",
        "notifications.notification": "created updated withdrawn read",
    }
    wanted = {f"{noun}.{verb}" for noun, verbs in nouns.items() for verb in verbs.split()}
    assert wanted <= {each.name for each in EVERY_TYPE}


def test_types_are_listed_by_name():
    names = [each.name for each in EVERY_TYPE]
    assert names == sorted(names)


def test_every_kind_of_topic_is_told_in_a_sentence():
    assert {kind.pattern for kind in catalogue.topic_kinds()} >= {"feeds.{id}", "feeds.{id}.followers", "users.{id}"}
    assert all(kind.summary.endswith(".") for kind in catalogue.topic_kinds())


@pytest.mark.parametrize("name", ["one", "Feeds.entry.published", "feeds..published", "feeds.entry.", "feeds.1a.b"])
def test_what_is_no_name_of_a_type_cannot_be_declared(name):
    with pytest.raises(ValueError, match=r"write app\.noun\.past_tense"):
        event_type(name, "No.", fields())


def test_nothing_is_declared_twice(happened, own_kinds):
    with pytest.raises(ValueError, match="declared twice"):
        event_type(happened.name, "Again.", fields())
    for declare in (catalogue.topic_kind, catalogue.alias):
        declare("things", "Once.", lambda *about: [])
        with pytest.raises(ValueError, match="declared twice"):
            declare("things", "Again.", lambda *about: [])


def test_an_unknown_type_is_said_to_be_unknown(db, happened):
    assert catalogue.find_event_type(happened.name) is happened
    with pytest.raises(UnknownEventType, match=r"'tests\.no\.such'"):
        catalogue.find_event_type("tests.no.such")


def test_a_payload_that_does_not_fit_is_refused_with_the_place():
    made = catalogue.EventType("tests.a.made", "Made.", fields(inner=fields(word=text(3))))
    made.validate({"inner": {"word": "abc"}})
    for data, place in [
        ({"inner": {"word": "abcd"}}, "inner.word"),
        ({}, "data"),
        ({"inner": {}, "x": 1}, "inner|data"),
    ]:
        with pytest.raises(InvalidPayload, match=f"tests.a.made: ({place}):"):
            made.validate(data)


@pytest.mark.parametrize(
    ("pattern", "is_one"),
    [
        ("*", True),
        ("feeds.*", True),
        ("feeds.entry.*", True),
        ("feeds.entry.published", True),
        ("", False),
        ("*.published", False),
        ("feeds.*.published", False),
        ("feeds*", False),
        (".*", False),
        ("feeds.entry.published\n", False),
        ("a." * 100 + "*", False),
    ],
)
def test_a_pattern_is_a_type_a_prefix_or_a_star(pattern, is_one):
    assert catalogue.is_pattern(pattern) is is_one


@pytest.mark.parametrize(
    ("topic", "is_one"),
    [
        ("feeds.42.followers", True),
        ("x" * 89, True),
        ("x" * 90, False),
        ("a..b", False),
        ("a.b\n", False),
        ("é", False),
    ],
)
def test_a_topic_is_dotted_ascii_under_90_characters(topic, is_one):
    assert catalogue.is_topic(topic) is is_one


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("feeds.entry.published", True),
        ("feeds.entry.*", True),
        ("feeds.*", True),
        ("*", True),
        ("feeds.entry.published.*", False),
        ("feed.*", False),
        ("feeds.entry.publish", False),
        ("feeds.comment.*", False),
    ],
)
def test_a_prefix_matches_whole_segments(pattern, fits):
    assert catalogue.matches("feeds.entry.published", {"other.*", pattern}) is fits


def test_readable_asks_each_kind_once_however_many_topics(feed, bob, mallory, query_count):
    others = [Feed.objects.create(owner=mallory, slug=f"m{number}", title="M") for number in range(20)]
    topics = [f"feeds.{each.pk}" for each in others] + [f"feeds.{each.pk}.followers" for each in [feed, *others]]
    found = set()
    assert query_count(lambda: found.update(catalogue.readable(bob, topics))) == 2
    assert found == {f"feeds.{each.pk}" for each in others} | {f"feeds.{feed.pk}.followers"}


def test_readable_refuses_what_no_kind_knows_and_what_is_somebody_elses(feed, alice, bob, mallory):
    topics = [f"feeds.{feed.pk}", f"feeds.{feed.pk}.followers", f"users.{bob.pk}", "feeds.0", "feeds.x", "no.such.kind"]
    assert catalogue.readable(mallory, topics) == {f"feeds.{feed.pk}"}
    assert catalogue.readable(AnonymousUser(), topics) == {f"feeds.{feed.pk}"}
    assert catalogue.readable(bob, topics) == {f"feeds.{feed.pk}", f"feeds.{feed.pk}.followers", f"users.{bob.pk}"}


def test_a_rule_that_says_more_than_it_was_asked_opens_nothing(own_kinds):
    catalogue.topic_kind("things.{id}", "Things.", lambda user, ids: [*ids, "2"])
    assert catalogue.readable(None, ["things.1"]) == {"things.1"}


def test_names_are_resolved_in_order_and_each_topic_is_there_once(feed, bob):
    home = [f"feeds.{Feed.objects.get(slug='bob').pk}", f"feeds.{feed.pk}"]
    resolved = catalogue.resolve(bob, [f"feeds.{feed.pk}", "me", "home", "me"])
    assert resolved[:2] == [f"feeds.{feed.pk}", f"users.{bob.pk}"]
    assert set(resolved[2:]) == {home[0], f"{home[0]}.followers", f"feeds.{feed.pk}.followers"}
    assert catalogue.aliases_among(["home", "feeds.1", "me"]) == ["home", "me"]


def test_one_topic_that_may_not_be_read_refuses_them_all(feed, bob, mallory):
    followers = f"feeds.{feed.pk}.followers"
    assert catalogue.authorise(bob, ["me", followers], limit=2) == [f"users.{bob.pk}", followers]
    with pytest.raises(catalogue.Unreadable, match=followers) as refused:
        catalogue.authorise(mallory, ["me", followers], limit=2)
    assert refused.value.topic == followers
    with pytest.raises(catalogue.TooManyTopics):
        catalogue.authorise(bob, ["me", followers], limit=1)


def test_nobody_is_asked_to_sign_in_for_an_alias_and_reads_what_is_public_without(feed):
    with pytest.raises(catalogue.SignInFirst):
        catalogue.authorise(AnonymousUser(), ["me"], limit=9)
    assert catalogue.authorise(AnonymousUser(), [f"feeds.{feed.pk}"], limit=9) == [f"feeds.{feed.pk}"]


def test_aliases_mean_nothing_to_nobody():
    assert catalogue.resolve(AnonymousUser(), ["home", "me"]) == []


def test_the_retention_floor_is_the_lowest_that_any_app_needs(monkeypatch):
    monkeypatch.setattr(catalogue, "_retention_floors", [lambda: None])
    assert catalogue.retention_floor() is None
    catalogue.keep_log_for(lambda: 7)
    catalogue.keep_log_for(lambda: 5)
    assert catalogue.retention_floor() == 5


@pytest.mark.parametrize(
    "name",
    [
        "feeds",
        "feeds.1",
        "feeds.1.secret",
        "users.7",
        "home",
        "home.x",
        "me",
        "operations",
        "webhooks.1",
        "presence.x.y",
    ],
)
def test_what_begins_like_a_declared_kind_or_an_alias_is_reserved(name):
    assert catalogue.is_reserved(name)


@pytest.mark.parametrize("name", ["orders", "orders.1", "feed.1", "Feeds.1", "mean", "x.feeds"])
def test_other_names_are_not_reserved(name):
    assert not catalogue.is_reserved(name)
