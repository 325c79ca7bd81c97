"""What an endpoint would have got lately."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from rest_framework import generics
from rest_framework.exceptions import Throttled
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response

from access import limits
from webhooks import previews
from webhooks.listeners import listener_of
from webhooks.models import Endpoint
from webhooks.serializers.previews import PreviewSerializer, as_answer


class Preview(generics.GenericAPIView):
    """Shows what an endpoint would have got, before one makes it."""

    serializer_class = PreviewSerializer
    permission_classes = (IsAuthenticated,)

    def post(self, request) -> Response:
        """Look through the log of the last days."""
        return self._answer(None)

    def _answer(self, endpoint: Endpoint | None) -> Response:
        count_look(self.request.user)
        asked = self.get_serializer(endpoint, data=self.request.data)
        asked.is_valid(raise_exception=True)
        fields = asked.validated_data
        wish = Endpoint(
            pk=endpoint and endpoint.pk,
            owner=self.request.user,
            created_position=0,
            event_types=fields["event_types"],
            topics=fields["topics"],
            content_filter=fields["filter"],
        )
        since = timezone.now() - timedelta(days=fields["days"])
        return Response(as_answer(previews.preview(listener_of(wish), since)))


class EndpointPreview(Preview):
    """Shows what an endpoint would have got with its own settings, or with others before they are its own."""

    def get_queryset(self):
        """Return one's own endpoints."""
        return Endpoint.objects.filter(owner=self.request.user)

    def post(self, request, pk: int) -> Response:
        """Look through the log of the last days."""
        return self._answer(self.get_object())


def count_look(user) -> None:
    """Refuse one who looks through the log too often within a minute: each look may take seconds."""
    wait = limits.within(f"previewed.{user.pk}", 1, settings.TIDEWIRE_USER_PREVIEWS_PER_MINUTE)
    if wait is not None:
        raise Throttled(wait, "You have looked through the log too often within a minute.")
