"""Entries, and whether one likes them."""

from django.http import Http404
from django.shortcuts import get_object_or_404
from rest_framework import generics, status
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from access.serializers import NoFields
from feeds import actions
from feeds.models import Entry
from feeds.serializers import EntryEditSerializer, EntrySerializer
from feeds.views.feeds import visible_feed
from feeds.views.owned import Owned
from feeds.views.versions import Versioned


def readable_entry(view) -> Entry:
    """Return the entry of the path, which the user may read."""
    user = view.request.user
    return get_object_or_404(Entry.objects.alive().readable_by(user).for_viewer(user), pk=view.kwargs["pk"])


class FeedEntries(Versioned, generics.ListCreateAPIView):
    """The entries of a feed, newest first."""

    serializer_class = EntrySerializer

    def get_queryset(self):
        user = self.request.user
        return Entry.objects.alive().filter(feed=visible_feed(self)).readable_by(user).shown_to(user).for_viewer(user)

    def create(self, request, *args, **kwargs) -> Response:
        """Publish an entry."""
        feed = visible_feed(self)
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        entry = actions.publish_entry(feed, by=request.user, **serializer.validated_data)
        entry.liked = False
        return Response(self.get_serializer(entry).data, status=status.HTTP_201_CREATED)


class EntryDetail(Owned, generics.RetrieveDestroyAPIView):
    """One entry."""

    serializer_class = EntrySerializer

    def get_serializer_class(self):
        return EntryEditSerializer if self.request.method == "PATCH" else EntrySerializer

    def get_queryset(self):
        return Entry.objects.alive().readable_by(self.request.user).for_viewer(self.request.user)

    def belongs_to(self, entry: Entry) -> int:
        """Return its author's id."""
        return entry.author_id

    def is_there(self, entry: Entry) -> bool:
        return entry.is_there

    def may_delete(self, entry: Entry) -> set[int]:
        """Return its author and the owner of the feed it stands in."""
        return {entry.author_id, entry.feed.owner_id}


class EntryLike(Versioned, APIView):
    """Whether one likes an entry."""

    permission_classes = (IsAuthenticated,)

    def put(self, request, pk: int) -> Response:
        """Like it; twice is once."""
        NoFields(data=request.data).is_valid(raise_exception=True)
        return self._after(actions.like_entry)

    def delete(self, request, pk: int) -> Response:
        """Take the like back."""
        return self._after(actions.unlike_entry)

    def _after(self, act) -> Response:
        try:
            entry = act(readable_entry(self), by=self.request.user)
        except Entry.DoesNotExist:
            raise Http404 from None
        return Response(EntrySerializer(entry).data)
