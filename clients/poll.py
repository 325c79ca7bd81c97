"""The live side by long poll: one subscription, asked for anew after every answer."""

from typing import Any

import aiohttp

from clients.http import refusal, session
from clients.live import CLOSED_ABNORMALLY, CLOSED_SIGNED_OUT, CLOSED_TOO_MANY, Asked, Live, Message, Refused

WAIT_SECONDS = 25
LIMIT = 1000
CODES = {401: CLOSED_SIGNED_OUT, 429: CLOSED_TOO_MANY}


class Connection(Live):
    """A poller; between two answers there is no connection at all."""

    _http: aiohttp.ClientSession
    _polled: Asked

    async def open(self) -> None:
        """Make ready; requests are sent by `subscribe` and while messages are awaited."""
        self._http = session(self._credentials)

    async def close(self) -> None:
        """Ask no more."""
        await self._http.close()

    async def abort(self) -> None:
        """Ask no more, not even for the answer that is awaited."""
        await self._http.close()

    async def _subscribe(self, asked: Asked, after: str | None) -> Message:
        answer = await self._ask(asked, after, wait=0)
        message = Message("subscribed", asked.id, after or answer["cursor"], fields={"head": answer["head"]})
        self._polled, self._after = asked, message.cursor
        self._take(answer, is_first=True)
        return self._started(asked, message)

    async def _fetch(self) -> None:
        try:
            self._take(await self._ask(self._polled, self._after, WAIT_SECONDS))
        except Refused as refused:
            # There is no close code over HTTP; where none is the same, the status stands for it.
            self._end(CODES.get(refused.status or 0, refused.status or CLOSED_ABNORMALLY))
        except aiohttp.ClientError:
            self._end(CLOSED_ABNORMALLY)

    async def _ask(self, asked: Asked, after: str | None, wait: int) -> dict[str, Any]:
        query = {"topic": ",".join(asked.topics), "wait": str(wait), "limit": str(LIMIT)}
        query |= {"after": after} if after is not None else {}
        query |= {"types": ",".join(asked.types)} if asked.types else {}
        async with self._http.get(f"{self._url}/api/v1/events/", params=query) as response:
            if response.status != 200:
                raise await refusal(response)
            answer: dict[str, Any] = await response.json()
            return answer

    def _take(self, answer: dict[str, Any], is_first: bool = False) -> None:
        self._after = cursor = answer["cursor"]
        if answer["reset"]:
            self._inbox.append(Message("reset", self._polled.id, cursor, fields={"reason": answer["reset"]}))
        elif answer["events"]:
            self._inbox.append(Message("events", self._polled.id, cursor, tuple(answer["events"])))
        elif not is_first:
            self._inbox.append(Message("heartbeat", self._polled.id, cursor))
