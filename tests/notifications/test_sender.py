import threading
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone

from access.models import Block
from notifications import actions, channels, schedule, sender
from notifications.channels import Failed
from notifications.kinds import Undone
from notifications.models import Decision, Dispatch, Habit, Notification, Pending, Preference, ThreadMute


@pytest.fixture(autouse=True)
def reachable(settings, alice):
    settings.TIDEWIRE_EMAIL_HOST = "localhost"
    settings.TIDEWIRE_EMAIL_DELAY_SECONDS = 0
    alice.email = "alice@example.com"
    alice.save()


@pytest.fixture
def comment(alice, notify):
    return lambda actor, **fields: notify(alice, actor, kind="comment", **fields)


def why(channel="email"):
    rows = Decision.objects.filter(channel=channel).order_by("id").values_list("outcome", "reason")
    return [reason or outcome for outcome, reason in rows if reason != "delay"]


def due_now():
    Dispatch.objects.filter(due_at__isnull=False).update(due_at=timezone.now())


def test_what_waits_is_one_message_and_then_nothing_waits(bob, comment):
    comment(bob)
    comment(bob)
    assert sender.run("email") == 1 and sender.run("email") == 0
    [message] = mail.outbox
    assert (message.to, message.subject) == (["alice@example.com"], "2 new notifications")
    row = Dispatch.objects.get()
    assert (row.due_at, row.lease_until, row.number, row.attempts) == (None, None, 1, 0)
    assert not Pending.objects.exists() and why() == ["sent", "sent"]


def test_after_one_message_the_rest_is_gathered(bob, comment):
    comment(bob)
    sender.run("email")
    comment(bob)
    comment(bob)
    assert sender.run("email") == 0
    assert Dispatch.objects.get().due_at > timezone.now() + timedelta(minutes=59)
    due_now()
    sender.run("email")
    assert [message.subject for message in mail.outbox] == [
        *("bob commented on your entry", "2 new notifications"),
    ]
    assert why() == ["sent", "digest", "digest", "sent", "sent"]


@pytest.mark.parametrize(
    ("meanwhile", "reason"),
    [
        (lambda row, alice, bob: actions.change(row, read=True), "read"),
        (lambda row, alice, bob: actions.see_up_to(alice), "read"),
        (lambda row, alice, bob: actions.change(row, archived=True), "read"),
        (lambda row, alice, bob: actions.withdraw(Undone(f"comments/9/{bob.pk}")), "withdrawn"),
        (lambda row, alice, bob: actions.mute_thread(alice, "entry", "9"), "muted"),
        (lambda row, alice, bob: Block.objects.create(blocker=alice, blocked=bob), "blocked"),
        (lambda row, alice, bob: actions.stop_email(alice.pk), "preference"),
        (lambda row, alice, bob: Notification.objects.update(topic="feeds.999"), "unreadable"),
    ],
)
def test_what_was_dealt_with_meanwhile_is_not_sent(alice, bob, comment, meanwhile, reason):
    row = comment(bob, subject="9")
    meanwhile(row, alice, bob)
    sender.run("email")
    assert mail.outbox == [] and why() == [reason] and not Pending.objects.exists()


def test_what_is_snoozed_is_not_sent(bob, comment):
    actions.change(comment(bob), snoozed_until=timezone.now() + timedelta(hours=1))
    Notification.objects.update(seen_at=None)
    sender.run("email")
    assert mail.outbox == [] and why() == ["snoozed"]


def test_the_rest_is_sent_without_what_was_dealt_with(alice, bob, carol, comment):
    actions.change(comment(bob, subject="9"), read=True)
    comment(carol)
    sender.run("email")
    assert [message.subject for message in mail.outbox] == ["carol commented on your entry"]
    assert sorted(why()) == ["read", "sent"]


def test_what_is_critical_is_sent_whatever_is_preferred_muted_or_quiet(alice, bob, comment, notify):
    quiet_all_day(alice)
    Preference.objects.create(user=alice, kind="notice", channel="email", is_on=False)
    ThreadMute.objects.create(user=alice, subject_type="entry", subject_id="9")
    notify(alice, None, kind="notice", subject="9", details={"text": "Your endpoint fails"})
    comment(bob)
    sender.run("email")
    assert [message.subject for message in mail.outbox] == ["Your endpoint fails"]
    assert sorted(why()) == ["quiet_hours", "sent"] and Pending.objects.count() == 1


def quiet_all_day(user):
    local = timezone.now().astimezone(ZoneInfo(user.time_zone))
    begin, end = (local - timedelta(minutes=5)).time(), (local + timedelta(hours=3)).time()
    return Habit.objects.create(user=user, quiet_from=begin, quiet_to=end)


def test_in_quiet_hours_it_waits_for_their_end_by_the_users_clock(alice, bob, comment):
    alice.time_zone = "Asia/Kolkata"
    alice.save()
    habit = quiet_all_day(alice)
    comment(bob)
    sender.run("email")
    assert mail.outbox == [] and why() == ["quiet_hours"]
    due = Dispatch.objects.get().due_at.astimezone(ZoneInfo("Asia/Kolkata"))
    assert due.time() == habit.quiet_to
    habit.delete()
    due_now()
    sender.run("email")
    assert len(mail.outbox) == 1


class Broken:
    """A channel whose other side fails as often as it is told to."""

    def __init__(self, way, failures):
        self.way, self.failures, self.numbers = way, failures, []

    def __getattr__(self, name):
        return getattr(self.way, name)

    def send(self, user, rows, number):
        self.numbers.append(number)
        if self.failures:
            self.failures -= 1
            raise Failed("451 try later")
        self.way.send(user, rows, number)


@pytest.fixture
def broken(monkeypatch):
    from notifications import channels

    def make(failures):
        way = Broken(channels.ways()["email"], failures)
        monkeypatch.setattr(channels, "ways", lambda: {"email": way})
        return way

    return make


def test_what_fails_is_tried_again_later_as_the_same_message(bob, comment, broken):
    way = broken(2)
    comment(bob)
    for tries in (1, 2):
        sender.run("email")
        row = Dispatch.objects.get()
        assert (row.attempts, row.error, row.lease_until) == (tries, "451 try later", None)
        assert row.due_at > timezone.now() + timedelta(seconds=25)
        due_now()
    sender.run("email")
    assert way.numbers == [0, 0, 0] and len(mail.outbox) == 1 and why() == ["sent"]
    assert Dispatch.objects.get().error == ""


def test_what_always_fails_is_dropped_with_the_reason(bob, comment, broken):
    broken(100)
    comment(bob)
    for _ in range(len(sender.DELAYS) + 1):
        sender.run("email")
        due_now()
    assert why() == ["channel_error"] and not Pending.objects.exists()
    assert Decision.objects.get(reason="channel_error").detail == "451 try later"


def test_what_a_sender_that_died_had_claimed_is_sent_when_its_lease_ends(bob, comment):
    comment(bob)
    assert sender.claim("email") is not None
    assert sender.run("email") == 0
    Dispatch.objects.update(lease_until=timezone.now())
    assert sender.run("email") == 1 and len(mail.outbox) == 1


def test_a_sender_that_was_too_slow_changes_nothing(bob, comment):
    comment(bob)
    slow = sender.claim("email")
    Dispatch.objects.update(lease_until=timezone.now())
    sender.run("email")
    before = Dispatch.objects.values().get()
    sender._sent(slow, slow.pending, None)
    assert Dispatch.objects.values().get() == before and why() == ["sent"]


def test_what_kills_every_sender_is_dropped_at_last(bob, comment):
    comment(bob)
    for _ in range(len(sender.DELAYS) + 1):
        assert sender.claim("email") is not None
        Dispatch.objects.update(lease_until=timezone.now())
    sender.run("email")
    assert why() == ["channel_error"] and mail.outbox == []


def test_what_grows_while_it_is_sent_is_told_by_the_next_message(bob, carol, comment):
    comment(bob, subject="9")
    claimed = sender.claim("email")
    comment(carol, subject="9")
    sender._deal_with(claimed)
    assert Pending.objects.count() == 1
    due_now()
    sender.run("email")
    assert mail.outbox[-1].subject == "carol and bob commented on your entry"


@pytest.mark.django_db(transaction=True)
def test_many_senders_send_each_message_once(alice, bob, carol, notify):
    for user in (bob, carol):
        user.email = f"{user.username}@example.com"
        user.save()
    for recipient, actor in ((alice, bob), (bob, carol), (carol, alice)):
        notify(recipient, actor, kind="comment")

    def work():
        try:
            sender.run("email")
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(message.to[0] for message in mail.outbox) == [f"{n}@example.com" for n in ("alice", "bob", "carol")]


@pytest.mark.django_db(transaction=True)
def test_no_more_than_so_many_send_at_once(bob, comment, monkeypatch):
    comment(bob)
    monkeypatch.setattr(sender, "SLOTS", 1)
    held, done = threading.Event(), threading.Event()

    def hold():
        with sender._slot("email") as is_mine:
            assert is_mine
            held.set()
            done.wait(20)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(20) and sender.run("email") == 0 and mail.outbox == []
    done.set()
    thread.join(20)
    assert sender.run("email") == 1


def test_a_channel_that_hangs_keeps_no_other_waiting(bob, comment, monkeypatch):
    comment(bob)
    monkeypatch.setattr(channels, "ways", lambda: {"email": None, "web_push": None})
    with sender._slot("web_push") as is_mine:
        assert is_mine and sender.claim("web_push") is None
        assert Dispatch.objects.get().claim is None


def test_a_sender_is_woken_for_each_channel_by_which_something_is_due(bob, comment, wakes):
    schedule.wake_senders()
    assert wakes == []
    comment(bob)
    wakes.clear()
    schedule.wake_senders()
    assert wakes == [("notifications.tasks.send_due", "email")]


def test_of_very_much_the_rest_waits_for_the_next_message(bob, comment, monkeypatch):
    monkeypatch.setattr(schedule, "GATHERED", 2)
    for number in range(3):
        comment(bob, subject=str(number))
    sender.run("email")
    assert [message.subject for message in mail.outbox] == ["2 new notifications"]
    assert Dispatch.objects.get().due_at > timezone.now() and Pending.objects.count() == 1
    due_now()
    sender.run("email")
    assert mail.outbox[-1].subject == "bob commented on your entry" and not Pending.objects.exists()
