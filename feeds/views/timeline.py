"""The home feed."""

from rest_framework import generics
from rest_framework.permissions import IsAuthenticated

from feeds.models import Entry
from feeds.serializers import EntrySerializer


class Timeline(generics.ListAPIView):
    """The home feed: the entries of the feeds one follows and of one's own, newest first."""

    serializer_class = EntrySerializer
    permission_classes = (IsAuthenticated,)

    def get_queryset(self):
        user = self.request.user
        return Entry.objects.alive().home_of(user).shown_to(user).for_viewer(user)
