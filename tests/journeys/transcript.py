"""What one subscription was told, held against the log: no gap, nothing twice, in order, and no cursor that lies."""

from typing import NamedTuple

from events import catalogue
from events.cursor import parse


class Told(NamedTuple):
    """One event of the log, as far as it matters who is told of it."""

    position: int
    topic: str
    type: str
    id: str


class Unlike(AssertionError):
    """A transcript is not what the log says."""


class Transcript:
    """Takes each message of a subscription in turn and raises `Unlike` at the first that should have been another.

    `log` answers three questions: `between(cursor, cursor)`, all events after the one up to the other; `epoch()`, the
    present one; `pruned()`, up to where the log was pruned. `after` is the cursor that was asked for, if any.
    """

    def __init__(self, log, names, types=(), after=None):
        self.log, self.names, self.types = log, list(names), list(types)
        self.topics = set(self.names)
        self.cursor = parse(after) if after else None
        self.cursors, self.events, self.resets = [], [], []

    def take(self, message):
        """Check the next message and go on to its cursor."""
        getattr(self, f"_take_{message.type}", self._pass)(message)
        if message.cursor is not None:
            self.cursor = parse(message.cursor)
            self.cursors.append(message.cursor)

    def _pass(self, message):
        if message.cursor is not None:
            self._say(f"an unknown {message.type} moves the cursor to {message.cursor}")

    def _take_subscribed(self, message):
        if self.cursor is not None and parse(message.cursor) != self.cursor:
            self._say(f"was to start after {self.cursor}, starts after {message.cursor}")
        self.topics = set(message.fields.get("topics", self.topics))

    def _take_events(self, message):
        found = [(parse(event["cursor"]).position, event["id"]) for event in message.events]
        self._compare(found, parse(message.cursor))
        self.events += message.events

    def _take_heartbeat(self, message):
        self._compare([], parse(message.cursor))

    def _take_topics(self, message):
        self._compare([], parse(message.cursor))
        self.topics = (self.topics - set(message.fields["removed"])) | set(message.fields["added"])

    def _take_revoked(self, message):
        self._compare([], parse(message.cursor))
        self.topics -= set(message.fields["topics"])

    def _take_reset(self, message):
        reason, before = message.fields["reason"], self.cursor
        self.resets.append(reason)
        is_true = {
            "epoch": before.epoch != self.log.epoch(),
            "retention": before.position < self.log.pruned() or before.epoch != self.log.epoch(),
            "ahead": self.is_ahead(before),
        }
        if not is_true[reason]:
            self._say(f"reset for {reason} from {before}, which is not so")

    def is_ahead(self, cursor):
        """Say whether the log has not come as far as the cursor."""
        return cursor.position > self.log.head().position

    def _compare(self, found, upto):
        if upto.epoch != self.cursor.epoch:
            self._say(f"goes from {self.cursor} to {upto} without a reset")
        if upto.position < self.cursor.position:
            self._say(f"goes back from {self.cursor} to {upto}")
        wanted = [(each.position, each.id) for each in self.log.between(self.cursor, upto) if self._reads(each)]
        if found != wanted:
            missing = [each for each in wanted if each not in found]
            extra = [each for each in found if each not in wanted]
            self._say(f"from {self.cursor} to {upto} came {found}: missing {missing}, extra {extra}, of {self.topics}")

    def _reads(self, told):
        return told.topic in self.topics and (not self.types or catalogue.matches(told.type, self.types))

    def _say(self, what):
        raise Unlike(f"{self.names} {self.types}: {what}; the last cursors were {self.cursors[-5:]}")
