"""Feeds."""

from contextlib import contextmanager

from django.db import IntegrityError, transaction
from django.shortcuts import get_object_or_404
from rest_framework import generics, status
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from access.models import USERNAME
from feeds import actions
from feeds.models import Feed
from feeds.serializers import FeedSerializer
from feeds.views.owned import Owned
from feeds.views.versions import Versioned


def visible_feed(view) -> Feed:
    """Return the feed of the path, of which the user may know."""
    user = view.request.user
    return get_object_or_404(Feed.objects.visible_to(user).for_viewer(user), pk=view.kwargs["pk"])


@contextmanager
def _address_or_400():
    """Answer as validation does when somebody took the address between the check and now."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError:
        raise ValidationError({"slug": "This address is taken."}) from None


class FeedList(Versioned, generics.ListCreateAPIView):
    """All feeds that one may know of; `?slug=` finds one."""

    serializer_class = FeedSerializer

    def get_queryset(self):
        feeds = Feed.objects.visible_to(self.request.user).for_viewer(self.request.user)
        slug = self.request.query_params.get("slug")
        if slug is None:
            return feeds
        # What cannot be an address is found nowhere; the database would not even take some of it.
        return feeds.filter(slug__iexact=slug) if USERNAME.regex.match(slug) else feeds.none()

    def create(self, request, *args, **kwargs) -> Response:
        """Make a feed of one's own."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        with _address_or_400():
            feed = actions.create_feed(request.user, **serializer.validated_data)
        return Response(self.get_serializer(feed).data, status=status.HTTP_201_CREATED)


class FeedDetail(Owned, generics.RetrieveDestroyAPIView):
    """One feed."""

    serializer_class = FeedSerializer

    def get_queryset(self):
        return Feed.objects.visible_to(self.request.user).for_viewer(self.request.user)

    def belongs_to(self, feed: Feed) -> int:
        """Return its owner's id."""
        return feed.owner_id

    def perform_update(self, feed: Feed) -> None:
        with _address_or_400():
            feed.save()

    def perform_destroy(self, feed: Feed) -> None:
        if feed.is_personal:
            raise ValidationError("A personal feed stays as long as its owner.")
        feed.delete()
