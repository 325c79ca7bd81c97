"""Events published over HTTP: which form a request has, and how it is answered."""

from typing import Any
from urllib.parse import unquote

from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import APIView

from access import actions
from access.publications import Refused

STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
BINARY_PREFIX = "ce-"

# The project's own parser of JSON, as settings name it.
[JSONParser] = APIView.parser_classes


class StructuredParser(JSONParser):
    """Reads one CloudEvent."""

    media_type = STRUCTURED


class BatchParser(JSONParser):
    """Reads many CloudEvents."""

    media_type = BATCHED


PARSERS = (JSONParser, StructuredParser, BatchParser)


class TooLarge(exceptions.APIException):
    """An event is larger than one may be."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE


def answer(request) -> Response:
    """Publish what the request holds; many events are answered one by one, a single bad one is an error of its own."""
    try:
        events = _events(request)
        if isinstance(events, list):
            results = [_result(each) for each in actions.publish(request.user, events)]
            return Response({"results": results}, status=status.HTTP_202_ACCEPTED)
        [outcome] = actions.publish(request.user, [events])
        if isinstance(outcome, Refused):
            raise outcome
    except Refused as refused:
        raise _as_error(refused) from None
    return Response(outcome, status=status.HTTP_202_ACCEPTED)


def _events(request) -> Any:
    """Return the event, or the list of events, in whichever of the forms it came."""
    media_type = (request.content_type or "").partition(";")[0].strip().lower()
    told = {name.lower(): value for name, value in request.headers.items() if name.lower().startswith(BINARY_PREFIX)}
    body = request.data
    if media_type == BATCHED or (isinstance(body, list) and not told and media_type != STRUCTURED):
        return _checked_batch(body, must_be_cloud_events=media_type == BATCHED)
    if media_type == STRUCTURED:
        _must_be_cloud_event(body)
    return _from_headers(told, request) if told and media_type != STRUCTURED else body


def _checked_batch(body: Any, *, must_be_cloud_events: bool) -> list:
    if not isinstance(body, list):
        raise Refused("invalid", "A batch is a list of events.")
    for event in body if must_be_cloud_events else ():
        _must_be_cloud_event(event)
    return body


def _must_be_cloud_event(event: Any) -> None:
    if not isinstance(event, dict) or "specversion" not in event:
        raise Refused("invalid", "A CloudEvent has this attribute.", field="specversion")


def _from_headers(told: dict[str, str], request) -> dict[str, Any]:
    event: dict[str, Any] = {name.removeprefix(BINARY_PREFIX): unquote(value) for name, value in told.items()}
    _must_be_cloud_event(event)
    if taken := {"data", "datacontenttype"} & set(event):
        raise Refused("invalid", "In binary mode this is no header.", field=f"{BINARY_PREFIX}{taken.pop()}")
    if request.stream is not None:
        event["data"] = request.data
    return event


def _result(outcome: dict[str, Any] | Refused) -> dict[str, Any]:
    if isinstance(outcome, Refused):
        return {"error": {"code": outcome.code, "message": outcome.message}}
    return {"id": outcome["id"]}


def _as_error(refused: Refused) -> exceptions.APIException:
    match refused.code:
        case "rate_limited":
            return exceptions.Throttled(refused.wait, refused.message)
        case "forbidden":
            return exceptions.PermissionDenied(refused.message)
        case "too_large":
            return TooLarge(refused.message)
    message = exceptions.ErrorDetail(refused.detail, code=refused.code)
    return exceptions.ValidationError({refused.field: [message]} if refused.field else [message])
