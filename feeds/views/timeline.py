"""The home feed."""

from rest_framework import generics
from rest_framework.permissions import IsAuthenticated

from feeds.serializers import EntrySerializer
from feeds.timeline import Home


class Timeline(generics.ListAPIView):
    """The home feed: the entries of the feeds one follows and of one's own, newest first."""

    serializer_class = EntrySerializer
    permission_classes = (IsAuthenticated,)

    def get_queryset(self):
        return Home(self.request.user)
