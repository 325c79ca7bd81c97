"""What anybody may read, as far as it is known: a storm of strangers asks the database once."""

import asyncio
from collections.abc import Collection

# For so long it is believed though no event says otherwise; and of so many topics.
SECONDS = 5.0
LIMIT = 10_000


class Openness:
    """Topics that are open to anybody, since they were asked for or until their rights change."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}
        self._loop = asyncio.get_running_loop()

    def has(self, topics: Collection[str]) -> bool:
        """Say whether it is known that anybody may read these topics, and nothing has changed it since."""
        oldest = self._loop.time() - SECONDS
        return all(self._since.get(topic, oldest) > oldest for topic in topics)

    def note(self, topics: Collection[str]) -> None:
        """Take notice that anybody may read these topics now."""
        if len(self._since) > LIMIT:
            self._since.clear()
        self._since.update(dict.fromkeys(topics, self._loop.time()))

    def forget(self, topic: str) -> None:
        """Know it no more of the topic and of those under it."""
        under = f"{topic}."
        for name in [name for name in self._since if name == topic or name.startswith(under)]:
            del self._since[name]

    def clear(self) -> None:
        """Know it of none."""
        self._since.clear()
