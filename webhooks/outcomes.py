"""Outcomes: how a try went, what is to be written of it, and the try as a row for whoever looks at it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, overload
from uuid import UUID

from webhooks import message
from webhooks.claims import Job, Row
from webhooks.models import Attempt, Delivery
from webhooks.transport import Response
from webhooks.verdict import Verdict

REASON_MAX = 300

# By delivery and claim: the moment of the next try, and the id of the try that was written.
Written = dict[tuple[int, UUID], tuple[datetime | None, int | None]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a try went."""

    job: Job
    started_at: datetime
    request_headers: dict[str, str]
    response: Response


@dataclass(frozen=True, slots=True)
class Result:
    """What is to be written of one delivery, and of its try if there was one."""

    row: Row
    verdict: Verdict
    outcome: Outcome | None = None

    @property
    def key(self) -> tuple[int, UUID]:
        """Return by which claim of which delivery it was."""
        return self.row.id, self.row.claim

    def as_row(self) -> dict[str, Any]:
        """Return the values by the names that the statement takes."""
        row, said = self.row, self.verdict
        result = {"id": row.id, "claim": str(row.claim), "status": said.status, "reason": said.reason[:REASON_MAX]}
        result["delay"] = said.delay_seconds
        if self.outcome is None:
            return result
        job, response = self.outcome.job, self.outcome.response
        return result | {
            "number": job.number,
            "status_code": response.status_code,
            "url": job.endpoint.url,
            "started_at": self.outcome.started_at.isoformat(),
            "duration_ms": response.duration_ms,
            "error": response.error,
            "request_headers": message.stored_headers(self.outcome.request_headers),
            "response_headers": response.headers,
            "response_body": response.body,
        }


class Tries(Sequence[Attempt]):
    """Tries as rows, each made when it is looked at: nearly always nobody does."""

    def __init__(self, results: Sequence[Result], written: Written) -> None:
        self._results, self._written = results, written

    def __len__(self) -> int:
        return len(self._results)

    @overload
    def __getitem__(self, index: int) -> Attempt: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Attempt]: ...
    def __getitem__(self, index: int | slice) -> Attempt | Sequence[Attempt]:
        """Return one, or some."""
        if isinstance(index, slice):
            return Tries(self._results[index], self._written)
        return self._attempt(self._results[index])

    def __iter__(self) -> Iterator[Attempt]:
        return map(self._attempt, self._results)

    def _attempt(self, result: Result) -> Attempt:
        assert result.outcome is not None
        due, tried = self._written[result.key]
        outcome, response = result.outcome, result.outcome.response
        return Attempt(
            id=tried,
            delivery=_delivery(result, due),
            number=outcome.job.number,
            url=outcome.job.endpoint.url,
            started_at=outcome.started_at,
            duration_ms=response.duration_ms,
            status_code=response.status_code,
            error=response.error,
            request_headers=message.stored_headers(outcome.request_headers),
            response_headers=response.headers,
            response_body=response.body,
        )


def _delivery(result: Result, due: datetime | None) -> Delivery:
    row, outcome = result.row, result.outcome
    assert outcome is not None
    return Delivery(
        id=row.id,
        endpoint=outcome.job.endpoint,
        event_id=row.event_id,
        event_type=row.event_type,
        position=row.position,
        status=result.verdict.status,
        attempts=outcome.job.number,
        next_attempt_at=due,
        last_status_code=outcome.response.status_code,
        reason=result.verdict.reason[:REASON_MAX],
        created_at=row.created_at,
    )
