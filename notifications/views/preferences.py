"""What one wants to be told, how, and of what not."""

from rest_framework import generics, serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from access.serializers import NoFields
from notifications import actions
from notifications.models import ThreadMute
from notifications.serializers.preferences import PreferencesSerializer, ThreadMuteSerializer


class PreferencesView(APIView):
    """Kinds by channels, quiet hours, digests, time zone and language."""

    permission_classes = (IsAuthenticated,)

    def get(self, request) -> Response:
        """Return all of them, defaults spelt out."""
        return Response(actions.preferences_of(request.user))

    def put(self, request) -> Response:
        """Replace all of them; what is left out becomes the default."""
        serializer = PreferencesSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response(actions.set_preferences(request.user, serializer.validated_data))


class MuteList(generics.ListAPIView):
    """What one has muted, newest first."""

    serializer_class = ThreadMuteSerializer
    permission_classes = (IsAuthenticated,)

    def get_queryset(self):
        return ThreadMute.objects.filter(user=self.request.user)


class MuteDetail(APIView):
    """Whether one hears of a subject."""

    permission_classes = (IsAuthenticated,)

    def put(self, request, type: str, id: str) -> Response:
        """Hear nothing more of it."""
        NoFields(data=request.data).is_valid(raise_exception=True)
        if type not in ("entry", "feed") or not (id.isascii() and id.isdigit() and len(id) < 19):
            raise serializers.ValidationError({"subject": "Name an entry or a feed by its id."})
        actions.mute_thread(request.user, type, id)
        return Response({"muted": True})

    def delete(self, request, type: str, id: str) -> Response:
        """Hear of it again."""
        actions.unmute_thread(request.user, type[:20], id[:50])
        return Response(status=204)
