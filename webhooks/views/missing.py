"""What an endpoint never got, though it wants it now: published while it was switched off, or before it was made."""

from rest_framework import generics, serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response

from events import log
from webhooks import history
from webhooks.listeners import listener_of
from webhooks.models import Endpoint
from webhooks.serializers.windows import WindowSerializer, cursor_text
from webhooks.views.previews import count_look

LIMIT_MAX = 200


class MissingQuery(WindowSerializer):
    """From where on to look, and for how many."""

    limit = serializers.IntegerField(min_value=1, max_value=LIMIT_MAX, default=100)


class EndpointMissing(generics.GenericAPIView):
    """The events for which an endpoint has no delivery."""

    serializer_class = MissingQuery
    permission_classes = (IsAuthenticated,)

    def get_queryset(self):
        """Return one's own endpoints."""
        return Endpoint.objects.filter(owner=self.request.user)

    def get(self, request, pk: int) -> Response:
        """Return those found in one look, the oldest first, and the cursor from which to go on."""
        endpoint = self.get_object()
        asked = self.get_serializer(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        count_look(request.user)
        upto = history.reached()
        # What is older may have been delivered and forgotten since.
        after = min(max(asked.validated_data["position"], history.floor()), upto)
        limit = asked.validated_data["limit"]
        found = history.look_for_missing(listener_of(endpoint), after=after, upto=upto, limit=limit)
        epoch = log.head().epoch
        return Response(
            {
                "events": [log.as_cloud_event(event, epoch) for event in found.events],
                "after": cursor_text(after, epoch),
                "cursor": cursor_text(found.position, epoch),
                "is_complete": found.is_complete,
            }
        )
