"""What one does not want to see any more in lists."""

from rest_framework import generics
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from access.serializers import NoFields
from feeds import actions
from feeds.models import Entry
from feeds.serializers import EntrySerializer
from feeds.views.entries import readable_entry


class DismissedEntries(generics.ListAPIView):
    """The entries that one has dismissed and may still read, newest first."""

    serializer_class = EntrySerializer
    permission_classes = (IsAuthenticated,)

    def get_queryset(self):
        user = self.request.user
        return Entry.objects.alive().filter(dismissals__user=user).readable_by(user).for_viewer(user)


class EntryDismissal(APIView):
    """Whether one has dismissed an entry."""

    permission_classes = (IsAuthenticated,)

    def put(self, request, pk: int) -> Response:
        """Dismiss it; twice is once."""
        NoFields(data=request.data).is_valid(raise_exception=True)
        actions.dismiss_entry(readable_entry(self), by=request.user)
        return Response({"dismissed": True})

    def delete(self, request, pk: int) -> Response:
        """See it again."""
        actions.recall_entry(pk, by=request.user)
        return Response(status=204)
