import json
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from events import log
from events.cursor import Cursor
from events.log import Head
from events.models import Event, LogHead, Outbox

HEAD = Head("k3x9", position=100, pruned=40)


@pytest.mark.parametrize(
    ("cursor", "reason"),
    [
        (Cursor("k3x9", 40), None),
        (Cursor("k3x9", 100), None),
        (Cursor("k3x9", 39), "retention"),
        (Cursor("k3x9", 101), "ahead"),
        (Cursor("k3x8", 50), "epoch"),
        (Cursor("k3x8", 0), "epoch"),
    ],
)
def test_a_head_says_why_a_reader_cannot_go_on(cursor, reason):
    assert HEAD.refuses(cursor) == reason


def test_the_head_is_the_last_event(tell):
    before = log.head()
    tell("a", "b")
    head = log.head()
    assert head.position == before.position + 2 == Event.objects.latest("position").position
    assert head.cursor == Cursor(head.epoch, head.position)


@pytest.fixture
def told(tell):
    """Six things on three topics; return how to read pages of them as words."""
    start = log.head().position
    for thing, topic in zip("abcdef", ("tests.1", "tests.2", "tests.3") * 2, strict=True):
        tell(thing, topic=topic)

    def read(topics, after=0, upto=6, **options):
        page = log.page(topics, after=start + after, upto=start + upto, **options)
        return "".join(event.data["thing"] for event in page.events), page.position - start

    return read


@pytest.mark.parametrize(
    ("topics", "things"),
    [
        (None, "abcdef"),
        (["tests.1"], "ad"),
        (["tests.3", "tests.1"], "acdf"),
        (["tests.1", "tests.1"], "ad"),
        (["tests.1", "no.such"], "ad"),
        (["tests"], ""),
        ([], ""),
    ],
)
def test_a_page_holds_the_topics_events_in_order_and_all_that_was_looked_at_is_behind_it(told, topics, things):
    assert told(topics) == (things, 6)


@pytest.mark.parametrize("topics", [None, ["tests.1", "tests.2", "tests.3"]])
def test_a_page_begins_after_and_ends_with_a_position(told, topics):
    assert told(topics, after=1, upto=4) == ("bcd", 4)
    assert told(topics, after=4, upto=4) == ("", 4)


@pytest.mark.parametrize("topics", [None, ["tests.1", "tests.2", "tests.3"]])
def test_a_full_page_ends_at_its_last_event_and_the_next_goes_on_there(told, topics):
    assert told(topics, limit=4) == ("abcd", 4)
    assert told(topics, after=4, limit=4) == ("ef", 6)
    assert told(topics, limit=6) == ("abcdef", 6)


def test_the_limit_bounds_what_is_read_before_the_filter_by_type(told):
    Event.objects.filter(data__thing__in=["a", "f"]).update(type="tests.thing.rare")
    assert told(None, limit=4, types=["tests.thing.rare"]) == ("a", 4)
    assert told(None, after=4, limit=4, types=["tests.thing.rare"]) == ("f", 6)
    assert told(None, types=["tests.*"]) == ("abcdef", 6)
    assert told(None, types=["other.*"]) == ("", 6)


def fill(count, topics):
    """Fill the log with so many events on so many topics, one of them quiet."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO events_event (position, event_id, type, topic, subject, data, time, previous) "
            "SELECT n, gen_random_uuid(), 'tests.thing.happened', 'tests.' || 1 + n %% %s, 's', '{}', now(), 0 "
            "FROM generate_series(1000000, 1000000 + %s) AS n",
            [topics, count],
        )
        cursor.execute("ANALYZE events_event")


def nodes(plan):
    yield plan
    for inner in plan.get("Plans", []):
        yield from nodes(inner)


@pytest.mark.django_db
@pytest.mark.parametrize("topics", [2, 1000])
@pytest.mark.parametrize("asked", [1, 500])
def test_a_page_of_topics_is_read_by_their_index_whatever_the_log_looks_like(topics, asked):
    fill(30_000, topics)
    names = [f"tests.{number}" for number in range(asked)]
    with connection.execute_wrapper(explain), connection.cursor():
        log.page(names, after=1_000_000, upto=2_000_000, limit=100)
    scans = [node for node in nodes(explain.plan) if "Relation Name" in node]
    assert {node.get("Index Name") for node in scans} == {"events_event_by_topic", "events_event_pkey"}
    # The page's own rows, and no others, are fetched by their key.
    assert all("position = " in node["Index Cond"].replace('"', "") for node in scans if "pkey" in node["Index Name"])


def explain(execute, sql, params, many, context):
    execute(f"EXPLAIN (FORMAT JSON) {sql}", params, many, context)
    found = context["cursor"].fetchone()[0]
    explain.plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return execute(sql, params, many, context)


def test_an_encoded_page_carries_the_head_read_after_it(tell, monkeypatch):
    tell("a")
    after = log.head().position - 1
    read = log.page

    def prune_meanwhile(*args, **options):
        LogHead.objects.update(pruned=after + 1)
        return read(*args, **options)

    monkeypatch.setattr(log, "page", prune_meanwhile)
    page = log.encoded_page(["tests.1"], after=after, upto=after + 1)
    assert page.head.refuses(Cursor(page.head.epoch, after)) == "retention"


def test_an_encoded_page_holds_the_events_as_they_go_over_the_wire(tell, announced):
    tell("a", "b")
    [(_, envelopes)] = announced
    after = envelopes[0].position - 1
    assert log.encoded_page(None, after=after, upto=after + 2).events == envelopes


def test_an_event_outlives_the_declaration_of_its_type(db, happened):
    assert log.type_version(happened.name) == happened.version
    assert log.type_version("tests.long.gone") == 1


@pytest.mark.django_db
def test_the_oldest_event_in_the_outbox_says_how_long_it_has_waited(happened):
    assert log.oldest_waiting_seconds() == 0
    row = {"type": happened.name, "topic": "tests.1", "subject": "s", "data": {}}
    for number, age in enumerate((60, 10)):
        time = timezone.now() - timezone.timedelta(seconds=age)
        Outbox.objects.create(event_id=f"0199c1e2-0000-7000-8000-00000000000{number}", time=time, **row)
    assert 60 <= log.oldest_waiting_seconds() < 3600


def test_what_was_logged_before_a_moment_ends_at_a_position(tell):
    moment = timezone.now()
    before = log.head().position
    Event.objects.update(logged_at=moment - timedelta(seconds=1))
    tell("a", "b")
    Event.objects.filter(position__gt=before).update(logged_at=moment)
    assert log.position_before(moment) == before
    assert log.position_before(moment + timedelta(seconds=1)) == before + 2
    assert log.position_before(moment - timedelta(days=1)) == Event.objects.earliest("position").position - 1
