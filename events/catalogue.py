"""What can happen: event types, kinds of topics and who may read them, aliases. Apps declare, the core looks up."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator

from events.payloads import Schema

TYPE_GRAMMAR = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
PATTERN_GRAMMAR = re.compile(r"\*|[a-z][a-z0-9_]*(\.[a-z0-9_]+)*(\.\*)?")
# A topic is also part of group names, which are ASCII and under 100 characters.
TOPIC_GRAMMAR = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
TOPIC_MAX_LENGTH = 89
# Live-only notices have topics of these names, whether or not an app declares their kind.
RESERVED_WORDS = frozenset({"operations", "webhooks", "presence"})

# `can_read(user, ids)` returns those of the topic ids that the user may read; one call serves many topics.
CanRead = Callable[[Any, Collection[str]], Collection[str]]
FindType = Callable[[str], "EventType | None"]
EveryType = Callable[[], Iterable["EventType"]]
Resolve = Callable[[Any], Iterable[str]]


class InvalidPayload(ValueError):
    """The payload does not fit the schema of its event type."""


class SignInFirst(PermissionError):
    """A name that means something else for each user was used by nobody."""


class TooManyTopics(ValueError):
    """The names mean more topics than one reader may have."""


class Unreadable(PermissionError):
    """The user may not read this topic; carries its name as `topic`."""

    def __init__(self, topic: str) -> None:
        super().__init__(f"You may not read {topic}.")
        self.topic = topic


class UnknownEventType(LookupError):
    """No app has declared this event type."""


@dataclass(frozen=True)
class EventType:
    """A kind of fact: its name (`app.noun.past_tense`), one sentence, and the schema of its data."""

    name: str
    summary: str
    payload: Schema
    version: int = 1
    # After such an event somebody may read more or less than before, or a name means other topics to them.
    changes_rights: bool = False
    # Clients with a grant may publish such events; all other types are said by this server alone.
    from_clients: bool = False

    @cached_property
    def schema(self) -> Schema:
        """Return the JSON Schema of the type's `data`."""
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": f"{self.name}, version {self.version}",
            "description": self.summary,
            **self.payload,
        }

    @cached_property
    def _validator(self) -> Draft202012Validator:
        return Draft202012Validator(self.schema)

    def validate(self, data: Any) -> None:
        """Raise `InvalidPayload` with the first thing that does not fit."""
        try:
            error = next(self._validator.iter_errors(data), None)
        except RecursionError:
            raise InvalidPayload(f"{self.name}: data: nested too deeply") from None
        if error is not None:
            place = ".".join(str(step) for step in error.absolute_path) or "data"
            raise InvalidPayload(f"{self.name}: {place}: {error.message[:300]}")


@dataclass(frozen=True)
class TopicKind:
    """A family of topics, written like `feeds.{id}` or `presence.{topic}`, and the rule that says who may read them."""

    pattern: str
    summary: str
    can_read: CanRead
    # Whether one may see who else reads such a topic.
    has_presence: bool = False
    # Whether notices are told on such a topic, for which somebody must be there.
    has_notices: bool = False
    _regex: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        regex = re.escape(self.pattern).replace(r"\{id\}", r"(?P<id>[A-Za-z0-9_-]+)")
        regex = regex.replace(r"\{topic\}", rf"(?P<id>{TOPIC_GRAMMAR.pattern})")
        object.__setattr__(self, "_regex", re.compile(regex))

    def id_of(self, topic: str) -> str | None:
        """Return the id inside the topic, or None when the topic is of another kind."""
        match = self._regex.fullmatch(topic)
        return match.groupdict().get("id", topic) if match else None


class OtherTopics(NamedTuple):
    """The rule for topics of no declared kind."""

    can_read: CanRead
    has_presence: bool


@dataclass(frozen=True)
class Alias:
    """A name that means other topics for each user, as `me` does."""

    name: str
    summary: str
    resolve: Resolve


_types: dict[str, EventType] = {}
_kinds: dict[str, TopicKind] = {}
_aliases: dict[str, Alias] = {}
_other_topics: list[OtherTopics] = []
_other_types: list[tuple[FindType, EveryType]] = []
_retention_floors: list[Callable[[], int | None]] = []


def event_type(
    name: str,
    summary: str,
    payload: Schema,
    version: int = 1,
    *,
    changes_rights: bool = False,
    from_clients: bool = False,
) -> EventType:
    """Declare an event type and return it; declaring one name twice is an error.

    One that changes rights is told on the topic of the user whose rights change, or on the topic they are rights to.
    """
    if not TYPE_GRAMMAR.fullmatch(name):
        raise ValueError(f"{name!r} is not an event type: write app.noun.past_tense.")
    if name in _types:
        raise ValueError(f"{name!r} is declared twice.")
    _types[name] = EventType(name, summary, payload, version, changes_rights, from_clients)
    return _types[name]


def topic_kind(
    pattern: str, summary: str, can_read: CanRead, *, has_presence: bool = False, has_notices: bool = False
) -> TopicKind:
    """Declare a kind of topic with its access rule and return it; declaring one twice is an error."""
    if pattern in _kinds:
        raise ValueError(f"{pattern!r} is declared twice.")
    _kinds[pattern] = TopicKind(pattern, summary, can_read, has_presence, has_notices)
    return _kinds[pattern]


def alias(name: str, summary: str, resolve: Resolve) -> Alias:
    """Declare a name for each user's own set of topics and return it; declaring one twice is an error."""
    if name in _aliases:
        raise ValueError(f"{name!r} is declared twice.")
    _aliases[name] = Alias(name, summary, resolve)
    return _aliases[name]


def other_topics(can_read: CanRead, *, has_presence: bool = False) -> None:
    """Register the rule for topics of no declared kind; it is given whole topics instead of ids."""
    _other_topics.append(OtherTopics(can_read, has_presence))


def other_types(find: FindType, every: EveryType) -> None:
    """Register where event types are declared that are not declared in code."""
    _other_types.append((find, every))


def keep_log_for(floor: Callable[[], int | None]) -> None:
    """Register a question that retention asks: the lowest position still needed, or None when none is."""
    _retention_floors.append(floor)


def event_types() -> Iterator[EventType]:
    """Yield every declared event type, by name."""
    declared = [*_types.values(), *(each for _, every in _other_types for each in every())]
    return iter(sorted(declared, key=lambda each: each.name))


def types_of_code() -> Iterator[EventType]:
    """Yield the event types that are declared in code, by name; asks nothing."""
    return iter(sorted(_types.values(), key=lambda each: each.name))


def find_event_type(name: str) -> EventType:
    """Return the declared event type, or raise `UnknownEventType`."""
    if (found := _types.get(name)) is not None:
        return found
    for find, _ in _other_types:
        if (found := find(name)) is not None:
            return found
    raise UnknownEventType(f"{name!r} is not a declared event type.")


def is_of_code(name: str) -> bool:
    """Say whether an event type of this name belongs to an app, by its first word."""
    return any(_first_word(each) == _first_word(name) for each in _types)


def changes_rights(name: str) -> bool:
    """Say whether after an event of this type somebody may read more or less than before."""
    return name in _types and _types[name].changes_rights


def topic_kinds() -> Iterator[TopicKind]:
    """Yield every declared kind of topic."""
    return iter(_kinds.values())


def kind_of(topic: str) -> TopicKind | None:
    """Return the declared kind of a topic, or None."""
    return next((kind for kind in _kinds.values() if kind.id_of(topic) is not None), None)


def is_reserved(name: str) -> bool:
    """Say whether the name begins with a word under which topics of declared kinds, or an alias, are found."""
    first = name.partition(".")[0]
    return first in RESERVED_WORDS or first in _aliases or any(_first_word(each) == first for each in _kinds)


def _first_word(pattern: str) -> str:
    return pattern.partition(".")[0]


def has_presence(topic: str) -> bool:
    """Say whether one may see who else reads the topic."""
    kind = kind_of(topic)
    return kind.has_presence if kind else any(rule.has_presence for rule in _other_topics)


def has_notices(topic: str) -> bool:
    """Say whether notices are told on the topic by `events.notices`."""
    kind = kind_of(topic)
    return kind is not None and kind.has_notices


def retention_floor() -> int | None:
    """Return the lowest position that any app still needs, or None."""
    floors = [floor for ask in _retention_floors if (floor := ask()) is not None]
    return min(floors, default=None)


def is_topic(name: str) -> bool:
    """Say whether the name has the form of a topic."""
    return len(name) <= TOPIC_MAX_LENGTH and TOPIC_GRAMMAR.fullmatch(name) is not None


def is_pattern(pattern: str) -> bool:
    """Say whether this is a type pattern: a type, a prefix ending in `.*`, or `*`."""
    return len(pattern) <= 200 and PATTERN_GRAMMAR.fullmatch(pattern) is not None


def patterns_of(name: str) -> list[str]:
    """Return every pattern that matches the dotted name, so that matching is one indexed look-up."""
    parts = name.split(".")
    prefixes = [".".join(parts[:length]) + ".*" for length in range(1, len(parts))]
    return [name, *prefixes, "*"]


def matches(name: str, patterns: Collection[str]) -> bool:
    """Say whether one of the patterns matches the dotted name."""
    return any(pattern in patterns for pattern in patterns_of(name))


def resolve(user: Any, names: Iterable[str]) -> list[str]:
    """Return the topics meant by topics and aliases, each once, in the order given."""
    topics: dict[str, None] = {}
    for name in names:
        found = _aliases[name].resolve(user) if name in _aliases else [name]
        topics.update(dict.fromkeys(found))
    return list(topics)


def aliases_among(names: Iterable[str]) -> list[str]:
    """Return those of the names that are aliases."""
    return [name for name in names if name in _aliases]


def authorise(user: Any, names: Collection[str], *, limit: int) -> list[str]:
    """Return the topics that topics and aliases mean for the user, all of which they may read.

    One that may not be read refuses them all. Raises `SignInFirst`, `TooManyTopics` or `Unreadable`.
    """
    if not user.is_authenticated and (own := aliases_among(names)):
        raise SignInFirst(f"Sign in to use {own[0]!r}: it means something else for everyone.")
    topics = resolve(user, names)
    if len(topics) > limit:
        raise TooManyTopics("These names mean too many topics.")
    allowed = readable(user, topics)
    for topic in topics:
        if topic not in allowed:
            raise Unreadable(topic)
    return topics


def meaning(user: Any, names: Collection[str]) -> set[str]:
    """Return the topics that the names mean for the user now, without those that may not be read any more."""
    return readable(user, resolve(user, names))


def readable(user: Any, topics: Iterable[str]) -> set[str]:
    """Return those of the topics that the user may read now: one query per kind, not per topic."""
    by_kind: dict[str, dict[str, str]] = {}
    others: list[str] = []
    for topic in topics:
        if (kind := kind_of(topic)) is not None:
            by_kind.setdefault(kind.pattern, {})[kind.id_of(topic) or ""] = topic
        else:
            others.append(topic)
    allowed = {
        ids[found] for pattern, ids in by_kind.items() for found in _kinds[pattern].can_read(user, ids) if found in ids
    }
    return allowed.union(*(set(rule.can_read(user, others)) & set(others) for rule in _other_topics if others))
