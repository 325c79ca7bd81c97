"""The catalogue of event types, and the schemas that events point to."""

from django.http import Http404, HttpRequest, JsonResponse
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from events import catalogue


class EventTypesView(APIView):
    """The catalogue: every type of event that this server can send."""

    permission_classes = (AllowAny,)

    def get(self, request) -> Response:
        """List the event types; their number is bounded, so one page holds them all."""
        results = [_described(each) for each in catalogue.event_types()]
        return Response({"next": None, "previous": None, "results": results})


class EventTypeView(APIView):
    """One type of event."""

    permission_classes = (AllowAny,)

    def get(self, request, name: str) -> Response:
        """Return its summary and the schema of its data."""
        return Response(_described(_find(name)))


def _described(event_type: catalogue.EventType) -> dict:
    return {
        "type": event_type.name,
        "summary": event_type.summary,
        "version": event_type.version,
        "schema": event_type.schema,
    }


def _find(name: str) -> catalogue.EventType:
    try:
        return catalogue.find_event_type(name)
    except catalogue.UnknownEventType as error:
        raise NotFound(str(error)) from None


def schema(request: HttpRequest, name: str, version: int) -> JsonResponse:
    """Serve the JSON Schema that every event's `dataschema` points to."""
    try:
        event_type = catalogue.find_event_type(name)
    except catalogue.UnknownEventType:
        event_type = None
    if event_type is None or event_type.version != version:
        raise Http404("There is no such schema.")
    return JsonResponse(event_type.schema, content_type="application/schema+json")
