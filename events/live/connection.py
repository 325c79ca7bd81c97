"""A connection: one client on one transport. It looks after its subscriptions and after what its client may read."""

import asyncio
import logging
import random
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from events import catalogue, notices
from events.cursor import Cursor
from events.live.batch import Batch, Message, Notice
from events.live.dialect import Dialect
from events.live.hub import Hub, ask
from events.live.outlet import Outlet
from events.live.principal import Principal
from events.live.subscription import Reset, Subscription

logger = logging.getLogger(__name__)

CLOSE_RESTART = 1012
CLOSE_SIGNED_OUT = 4401
RETRY_SECONDS = 1.0


OnTopics = Callable[[Any, Collection[str], Collection[str]], None]


class Connection:
    """What every transport has in common; `end` is the transport's way to close with a code."""

    __slots__ = (
        "_catching_up",
        "_hub",
        "_is_over",
        "_is_saying",
        "_is_stranger",
        "_last_notice",
        "_must_ask",
        "_on_topics",
        "_read",
        "_timer",
        "dialect",
        "end",
        "offer",
        "outlet",
        "principal",
        "recheck_at",
        "retire_at",
        "subscriptions",
    )

    def __init__(
        self, hub: Hub, principal: Principal, outlet: Outlet, dialect: Dialect, end: Callable[[int], None]
    ) -> None:
        self.principal = principal
        self.outlet = outlet
        self.offer = outlet.offer
        self.dialect = dialect
        self.subscriptions: dict[int | str, Subscription] = {}
        self.end = end
        # When its life is over, and when its rights are looked at again, by the clock of the loop.
        self.retire_at = self.recheck_at = float("inf")
        self._hub = hub
        self._is_stranger = not principal.user.is_authenticated
        self._must_ask = False
        self._catching_up: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_over = False
        self._last_notice: Notice | None = None
        # Who is told when other topics are read than before, and which were read when that was told last.
        self._on_topics: OnTopics | None = None
        self._read: frozenset[str] = frozenset()
        # What is read for a subscription waits to be sent; until it is, the subscription's cursor is ahead of it.
        self._is_saying = False
        hub.index.own(principal.topic, self)

    # -- Subscriptions ------------------------------------------------------------------------------------------------

    async def subscribe(
        self, id: int | str, names: Collection[str], types: Collection[str], after: Cursor | None
    ) -> None:
        """Begin a subscription that the user may have, or raise what `catalogue.authorise` raises."""
        version = self._hub.rights_version
        topics = await self._authorise(names)
        subscription = Subscription(self._hub, self, id, names, types, self.dialect.events(id))
        place = await subscription.locate(after)
        await self.outlet.put(self.dialect.subscribed(id, topics, place, self._hub.cursor))
        self.subscriptions[id] = subscription
        subscription.read(topics)
        self._tell_topics()
        if version != self._hub.rights_version:
            self.ask_again()

    async def _authorise(self, names: Collection[str]) -> list[str]:
        if self._is_stranger and self._hub.openness.has(names):
            return list(dict.fromkeys(names))
        version = self._hub.rights_version
        topics, ends_at = await ask(_authorised, self.principal, names, settings.TIDEWIRE_SUBSCRIPTION_MAX_TOPICS)
        self.expect_end(ends_at)
        if self._is_stranger and version == self._hub.rights_version:
            self._hub.openness.note(topics)
        return topics

    def unsubscribe(self, id: int | str) -> bool:
        """End a subscription; say whether there was one."""
        subscription = self.subscriptions.pop(id, None)
        if subscription is not None:
            subscription.end()
            self._tell_topics()
        return subscription is not None

    def close(self) -> None:
        """Let go of everything."""
        self._is_over = True
        self._hub.index.disown(self.principal.topic, self)
        if self._timer is not None:
            self._timer.cancel()
        if self._catching_up is not None:
            self._catching_up.cancel()
        for subscription in self.subscriptions.values():
            subscription.end()
        self.subscriptions = {}
        self._tell_topics()
        self.outlet.drop()

    def on_topics(self, told: OnTopics) -> None:
        """Tell somebody whenever other topics are read than before, and at the end that none are."""
        self._on_topics = told

    def _tell_topics(self) -> None:
        if self._on_topics is not None:
            before, self._read = self._read, frozenset().union(*(each.topics for each in self.subscriptions.values()))
            self._on_topics(self.principal.user, before, self._read)

    # -- Life ---------------------------------------------------------------------------------------------------------

    def beat(self) -> None:
        """Show the client that the connection lives, unless it takes nothing anyway."""
        if not self._is_saying:
            self.offer(self.dialect.heartbeat(self._cursors()))

    def _cursors(self) -> dict[int | str, Cursor]:
        return {id: each.cursor for id, each in self.subscriptions.items()}

    def notice(self, notice: Notice) -> None:
        """Tell the client something that is in no log, once for all of its subscriptions."""
        if notice is not self._last_notice:
            self._last_notice = notice
            self.offer(notice.form(type(self.dialect).__name__, self.dialect.notice))

    def retire(self, after_seconds: float, *, served: bool = True) -> None:
        """Send the client away, to come back after so long; until then it is served, or not."""
        self.offer(self.dialect.reconnect(round(after_seconds * 1000), self._cursors()))
        asyncio.get_running_loop().call_later(after_seconds if served else 0, self.end, CLOSE_RESTART)

    # -- Rights -------------------------------------------------------------------------------------------------------

    def ask_again(self) -> None:
        """Ask anew what may be read, before anything else is sent."""
        for subscription in self.subscriptions.values():
            subscription.hold()
        self.look_again()

    def look_again(self) -> None:
        """Ask anew what may be read, as soon as may be."""
        self._must_ask = True
        self.catch_up()

    def expect_end(self, moment: datetime | None) -> None:
        """Ask again when by the clock something ends."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if moment is not None:
            seconds = max(0.0, (moment - timezone.now()).total_seconds())
            # Farther than a day is looked at again by then; a timer holds no more than some weeks.
            self._timer = asyncio.get_running_loop().call_later(min(seconds, 86_400), self.ask_again)

    async def _ask(self) -> None:
        self._must_ask = False
        asked = dict(self.subscriptions)
        names = {id: each.names for id, each in asked.items()}
        if self._is_stranger and self._hub.openness.has(frozenset().union(*names.values())):
            return
        version = self._hub.rights_version
        try:
            answer = await ask(_rights, self.principal, names)
        except BaseException:
            self._must_ask = True
            raise
        if answer is None:
            self._sign_out()
            return
        ends_at, meant = answer
        self.expect_end(ends_at)
        if self._is_stranger and version == self._hub.rights_version:
            self._hub.openness.note([topic for topics in meant.values() for topic in topics])
        for id, topics in meant.items():
            # Of the same id there may be another one by now.
            subscription = self.subscriptions.get(id)
            if subscription is not None and subscription is asked[id] and topics != subscription.topics:
                await self._change(subscription, topics)

    def _sign_out(self) -> None:
        # The transport closes in a moment; until then nothing more is sent.
        self._is_over = True
        for subscription in self.subscriptions.values():
            subscription.hold()
        self.end(CLOSE_SIGNED_OUT)

    async def _change(self, subscription: Subscription, topics: set[str]) -> None:
        before = subscription.topics
        subscription.hold()
        cursor = subscription.cursor
        removed = before - topics
        revoked = removed & subscription.names
        subscription.names -= revoked
        if len(topics) > settings.TIDEWIRE_SUBSCRIPTION_MAX_TOPICS:
            self.unsubscribe(subscription.id)
            await self.outlet.put(self.dialect.error(subscription.id, "too_many", "A name now means too many topics."))
            if self.dialect.is_single:
                self.end(CLOSE_RESTART)
            return
        subscription.read(topics)
        self._tell_topics()
        if revoked:
            await self.outlet.put(self.dialect.revoked(subscription.id, sorted(revoked), cursor))
        if topics - before or removed - revoked:
            added, gone = sorted(topics - before), sorted(removed - revoked)
            await self.outlet.put(self.dialect.topics(subscription.id, added, gone, cursor))

    # -- Catching up --------------------------------------------------------------------------------------------------

    def catch_up(self) -> None:
        """See to it that the subscriptions which are behind catch up."""
        if self._catching_up is None and not self._is_over:
            self._catching_up = asyncio.create_task(self._catch_up())

    async def _catch_up(self) -> None:
        try:
            while not (self._is_over or self.outlet.gone) and (self._must_ask or self._behind()):
                await self.outlet.ready()
                try:
                    await self._step()
                except Exception as error:  # noqa: BLE001  a connection outlives the database
                    logger.debug("A connection could not go on (%r); trying again.", error)
                    await asyncio.sleep(RETRY_SECONDS * random.uniform(0.5, 1.5))
        finally:
            self._catching_up = None

    def _behind(self) -> Subscription | None:
        return next((each for each in self.subscriptions.values() if not each.is_live), None)

    async def _step(self) -> None:
        if self._must_ask:
            await self._ask()
        elif (subscription := self._behind()) is not None:
            found = await subscription.next()
            if found is not None and self.subscriptions.get(subscription.id) is subscription:
                await self._put(self._say(subscription, found))
            if self.subscriptions.get(subscription.id) is subscription:
                # To the end of the row: each in its turn.
                self.subscriptions[subscription.id] = self.subscriptions.pop(subscription.id)
            await asyncio.sleep(0)

    async def _put(self, message: Message) -> None:
        self._is_saying = True
        try:
            await self.outlet.put(message)
        finally:
            self._is_saying = False

    def _say(self, subscription: Subscription, found: Batch | Reset) -> Message:
        if isinstance(found, Reset):
            return self.dialect.reset(subscription.id, found.reason, found.cursor)
        return subscription.say(found)


def _authorised(principal: Principal, names: Collection[str], limit: int) -> tuple[list[str], datetime | None]:
    # What opened the connection may have ended before anybody was told of its end.
    if not principal.still_valid():
        raise catalogue.SignInFirst("Your session or key has ended.")
    topics = catalogue.authorise(principal.user, names, limit=limit)
    # Before the client is told that it is subscribed: what happens after that, it is told of.
    notices.show_read(topics)
    return topics, principal.ends_at()


def _rights(
    principal: Principal, names: dict[int | str, frozenset[str]]
) -> tuple[datetime | None, dict[int | str, set[str]]] | None:
    """Return when something ends next and what the names mean now; None when the client is signed out."""
    if not principal.still_valid():
        return None
    return principal.ends_at(), {id: catalogue.meaning(principal.user, each) for id, each in names.items()}
