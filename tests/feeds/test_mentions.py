import pytest

from access import actions as access
from access.models import User
from events.models import Outbox
from feeds import actions, mentions
from feeds.models import Comment, Entry, Feed, Mention


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@bob", ["bob"]),
        ("Hi @bob, and @Carol!", ["bob", "carol"]),
        ("(@bob) \"@carol\" '@dan'\n@eve", ["bob", "carol", "dan", "eve"]),
        ("@bob @BOB @bob", ["bob"]),
        ("@bob's", ["bob"]),
        ("@a-b_c.d", ["a-b_c.d"]),
        ("\u202e@bob\u202c", ["bob"]),
        ("你好\uff0c@bob\uff01", ["bob"]),
        ("me@bob.com @bob@elsewhere.org", []),
        ("x@bob é@bob e\u0301@bob 你@bob _@bob 1@bob", []),
        ("@bobé @bob\u0301 @bob你 @bob\u200dx", []),
        ("@\u202ebob @ bob @-bob @ @@ @@bob", []),
        ("https://x.org/@bob www.x.org/@bob /@bob a.@bob ftp://@bob", []),
        ("`@bob` ```\n@bob\n``` ``` @bob", []),
        ("`@bob @carol", ["bob", "carol"]),
        ("@" + "x" * 51, []),
        ("@" + "x" * 50, ["x" * 50]),
    ],
)
def test_names_are_found_where_somebody_is_spoken_to(text, names):
    assert [each[-1] for each in mentions.names_in(text)] == names


def test_a_full_stop_may_be_the_names_or_the_sentences():
    assert mentions.names_in("I saw @bob.") == [("bob.", "bob")]


def test_no_more_than_twenty_are_named():
    assert len(mentions.names_in(" ".join(f"@n{number}" for number in range(50)))) == mentions.MAX


@pytest.mark.parametrize("piece", ["@", "`", "```", "a.", "@a.", "://", "@x@", "a://", "@" + "-." * 20])
def test_no_text_is_slow_to_read(piece):
    mentions.names_in((piece * 10_000)[:10_000])


# -- Kept ---------------------------------------------------------------------------------------------------------


def named(row):
    return [user.username for user in row.mentioned]


def test_who_is_named_is_told_with_the_entry_and_shown_with_it(api, publish, bob, carol):
    entry = publish("Hi @Carol. And @bob, @nobody, @alice")
    shown = [{"id": carol.pk, "username": "carol"}, {"id": bob.pk, "username": "bob"}]
    assert Outbox.objects.get(type="feeds.entry.published").data["entry"]["mentions"] == shown
    assert api().get(f"/api/v1/entries/{entry.pk}/").json()["mentions"] == shown


def test_a_name_that_ends_with_a_full_stop_is_preferred(publish):
    dotted, plain = (User.objects.create_user(username=name) for name in ("dan.", "dan"))
    assert publish("@dan.").mentioned == [dotted] and publish("@dan, @dan!").mentioned == [plain]


def test_an_edit_mentions_anew_and_a_deletion_nobody(publish, bob, carol):
    entry = publish("@bob")
    kept = Mention.objects.get()
    entry.text = "@bob @carol"
    entry.save()
    assert named(Entry.objects.get()) == ["bob", "carol"] and kept in Mention.objects.all()
    entry.text = "@carol"
    entry.save()
    assert named(Entry.objects.get()) == ["carol"]
    assert Outbox.objects.filter(type="feeds.entry.edited").latest("id").data["entry"]["mentions"][0]["id"] == carol.pk
    entry.delete()
    assert not Mention.objects.exists()


def test_a_mention_follows_a_new_name_and_not_who_takes_the_old_one(publish, bob):
    entry = publish("@bob")
    bob.username = "robert"
    bob.save()
    User.objects.create_user(username="bob")
    assert entry.mentions.get().user == bob and named(Entry.objects.get()) == ["robert"]


def test_only_who_may_read_it_is_mentioned(alice, bob, carol, mallory, publish):
    assert named(publish("@bob @mallory", visibility="followers")) == ["bob"]
    club = Feed.objects.create(owner=alice, slug="club", title="Club", visibility="followers")
    actions.follow_feed(club, by=mallory)
    entry = actions.publish_entry(club, by=alice, text="@mallory")
    assert named(entry) == []
    actions.accept_request(club, mallory.pk, by=alice)
    comment = actions.comment_on(entry, by=mallory, text="@alice @bob")
    assert named(comment) == ["alice"]


def test_who_is_kept_apart_or_may_not_come_in_is_not_mentioned(alice, bob, carol, mallory, publish):
    access.block(bob, alice)
    access.block(alice, carol)
    mallory.is_active = False
    mallory.save()
    assert named(publish("@bob @carol @mallory")) == []


def test_many_entries_mention_in_few_queries(feed, bob, query_count):
    few = query_count(lambda: actions.publish_entries(feed, ["@bob"]))
    many = query_count(lambda: actions.publish_entries(feed, [f"@bob {number}" for number in range(30)]))
    assert many <= few and Mention.objects.count() == 31


def test_a_text_that_names_nobody_costs_no_query(publish, query_count):
    publish("Hello")
    plain = query_count(lambda: publish("Hello"))
    assert query_count(lambda: publish("Hello @nobody-at-all")) == plain + 1


def test_lists_show_mentions_without_a_query_for_each_row(api, feed, bob, publish, query_count):
    client, paths = api(), (f"/api/v1/feeds/{feed.pk}/entries/", f"/api/v1/entries/{publish('@bob').pk}/comments/")
    entry = Entry.objects.get()
    actions.comment_on(entry, by=bob, text="@alice")
    few = [query_count(lambda path=path: client.get(path)) for path in paths]
    for _ in range(5):
        publish("@bob")
        actions.comment_on(entry, by=bob, text="@alice", parent=Comment.objects.first().pk)
    assert [query_count(lambda path=path: client.get(path)) for path in paths] == few


# -- Answers ------------------------------------------------------------------------------------------------------


@pytest.fixture
def answer(api, publish, carol):
    """Answer a comment; return the status and the body."""
    entry = publish()

    def answer(user, parent, at=entry):
        response = api(user).post(f"/api/v1/entries/{at.pk}/comments/", {"text": "Yes", "parent": parent})
        return response.status_code, response.json()

    answer.entry = entry
    answer.comment = actions.comment_on(entry, by=carol, text="No?")
    return answer


def test_a_comment_is_answered(answer, bob, carol):
    status, body = answer(bob, answer.comment.pk)
    assert (status, body["parent"], body["parent_author"]) == (201, answer.comment.pk, carol.pk)
    assert Outbox.objects.filter(type="feeds.comment.published").latest("id").data["comment"] == body
    assert answer(bob, None)[1]["parent"] is None


def test_what_cannot_be_answered_is_named(answer, bob, publish):
    reply = answer(bob, answer.comment.pk)[1]["id"]
    elsewhere = actions.comment_on(publish(), by=bob, text="Elsewhere")
    gone = actions.comment_on(answer.entry, by=bob, text="Gone")
    gone.delete()
    for parent in (reply, elsewhere.pk, gone.pk, 0, -1, 10**30, 2**63 - 1, "x", [1]):
        status, body = answer(bob, parent)
        assert (status, [each["field"] for each in body["errors"]]) == (400, ["parent"])
    assert Comment.objects.count() == 4


def test_an_edit_moves_no_comment(api, answer, carol):
    refused = api(carol).patch(f"/api/v1/comments/{answer.comment.pk}/", {"parent": 1})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "unknown")


def test_who_is_kept_apart_answers_nothing_of_the_other(answer, bob, carol):
    access.block(carol, bob)
    assert answer(bob, answer.comment.pk)[0] == 403


def test_answers_stay_when_what_they_answer_is_deleted(api, answer, bob, carol):
    body = answer(bob, answer.comment.pk)[1]
    answer.comment.delete()
    shown = api().get(f"/api/v1/entries/{answer.entry.pk}/comments/").json()["results"]
    assert [(each["id"], each["parent"]) for each in shown] == [(body["id"], answer.comment.pk)]


def test_one_has_so_many_feeds_and_no_more(api, alice, settings):
    settings.TIDEWIRE_USER_MAX_FEEDS = 2
    codes = [api(alice).post("/api/v1/feeds/", {"slug": f"f{n}", "title": "F"}) for n in range(2)]
    assert [each.status_code for each in codes] == [201, 400]
    assert codes[1].json()["errors"][0]["code"] == "too_many"
