"""Replays: what an endpoint did not get is sent anew, as a job with progress."""

from rest_framework import generics, status
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response

from access.middleware import Conflict
from webhooks import actions
from webhooks.models import Endpoint, Replay
from webhooks.serializers.replays import ReplaySerializer


class ReplayStart(generics.GenericAPIView):
    """Begins a replay."""

    serializer_class = ReplaySerializer
    permission_classes = (IsAuthenticated,)

    def get_queryset(self):
        """Return one's own endpoints."""
        return Endpoint.objects.filter(owner=self.request.user)

    def post(self, request, pk: int) -> Response:
        """Begin it; `is_complete` says whether the log goes back as far as was asked."""
        endpoint = self.get_object()
        asked = self.get_serializer(data=request.data)
        asked.is_valid(raise_exception=True)
        only, after = asked.validated_data["only"], asked.validated_data["position"]
        try:
            replay = actions.start_replay(endpoint, by=request.user, only=only, after=after)
        except actions.NotPossible as error:
            raise Conflict(str(error)) from None
        answer = self.get_serializer(replay).data | {"is_complete": replay.after <= after}
        return Response(answer, status=status.HTTP_202_ACCEPTED)


class Replays:
    """A view on the replays to one of one's own endpoints."""

    serializer_class = ReplaySerializer
    permission_classes = (IsAuthenticated,)
    lookup_url_kwarg = "replay"

    def get_queryset(self):
        """Return the replays to the endpoint."""
        endpoint = generics.get_object_or_404(Endpoint.objects.filter(owner=self.request.user), pk=self.kwargs["pk"])
        return Replay.objects.filter(endpoint=endpoint)


class ReplayList(Replays, generics.ListAPIView):
    """The replays to an endpoint, newest first."""


class ReplayDetail(Replays, generics.RetrieveAPIView):
    """One replay."""

    def delete(self, request, *args, **kwargs) -> Response:
        """Cancel it where it stands; what it has made stays."""
        try:
            replay = actions.cancel_replay(self.get_object())
        except actions.NotPossible as error:
            raise Conflict(str(error)) from None
        return Response(self.get_serializer(replay).data)

    post = delete
