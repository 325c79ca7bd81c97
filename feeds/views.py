"""The feeds API."""

from contextlib import contextmanager

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import Http404
from django.shortcuts import get_object_or_404
from rest_framework import generics, status
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import IsAuthenticated, IsAuthenticatedOrReadOnly
from rest_framework.response import Response
from rest_framework.views import APIView

from access.models import USERNAME
from access.serializers import NoFields
from feeds import actions
from feeds.models import Comment, Entry, Feed, Follow
from feeds.permissions import IsOwnerOrReadOnly
from feeds.serializers import (
    CommentSerializer,
    EntryEditSerializer,
    EntrySerializer,
    FeedSerializer,
    FollowSerializer,
)
from feeds.timeline import Home


def _feed(view) -> Feed:
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


def _entry(view) -> Entry:
    user = view.request.user
    return get_object_or_404(Entry.objects.alive().readable_by(user).for_viewer(user), pk=view.kwargs["pk"])


class Owned:
    """A view on one object that belongs to somebody."""

    permission_classes = (IsAuthenticatedOrReadOnly, IsOwnerOrReadOnly)
    # Changes are partial: PATCH, never PUT.
    http_method_names = ("get", "head", "options", "patch", "delete")

    def may_delete(self, obj) -> set[int]:
        """Return the ids of the users who may delete it."""
        return {self.belongs_to(obj)}

    def patch(self, request, *args, **kwargs) -> Response:
        """Change the fields given, at least one, and return the whole."""
        row = self.get_object()
        serializer = self.get_serializer(row, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        if not serializer.validated_data:
            raise ValidationError("Name at least one field to change.")
        for name, value in serializer.validated_data.items():
            setattr(row, name, value)
        self.perform_update(row)
        return Response(serializer.data)

    def perform_update(self, row) -> None:
        """Write what has changed."""
        row.save()


class FeedList(generics.ListCreateAPIView):
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
            feed = Feed.objects.create(owner=request.user, **serializer.validated_data)
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


class FeedFollow(APIView):
    """Whether one follows a feed."""

    permission_classes = (IsAuthenticated,)

    def put(self, request, pk: int) -> Response:
        """Follow the feed; twice is once."""
        NoFields(data=request.data).is_valid(raise_exception=True)
        follow = actions.follow_feed(_feed(self), by=request.user)
        return Response({"following": follow.state == "accepted", "state": follow.state})

    def delete(self, request, pk: int) -> Response:
        """Follow it no more, or take the request back."""
        actions.unfollow_feed(_feed(self), by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class FollowList(generics.ListAPIView):
    """Who has to do with a feed of one's own, newest first."""

    serializer_class = FollowSerializer
    permission_classes = (IsAuthenticated,)

    def follows(self):
        """Return the follows of the feed, which must be one's own."""
        feed = _feed(self)
        if feed.owner_id != self.request.user.pk:
            raise PermissionDenied("Only its owner sees who follows a feed.")
        return feed.follows


class FeedRequests(FollowList):
    """The requests to follow a feed that wait for its owner's answer."""

    def get_queryset(self):
        return self.follows().pending()


class FeedFollowers(FollowList):
    """The followers of a feed."""

    def get_queryset(self):
        return self.follows().accepted()


class FeedRequest(APIView):
    """One request to follow a feed of one's own."""

    permission_classes = (IsAuthenticated,)

    def put(self, request, pk: int, user_id: int) -> Response:
        """Accept it; twice is once."""
        NoFields(data=request.data).is_valid(raise_exception=True)
        try:
            follow = actions.accept_request(_feed(self), user_id, by=request.user)
        except Follow.DoesNotExist:
            raise Http404("This user has not asked to follow the feed.") from None
        return Response(FollowSerializer(follow).data)

    def delete(self, request, pk: int, user_id: int) -> Response:
        """Decline it."""
        actions.decline_request(_feed(self), user_id, by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class FeedFollower(APIView):
    """One follower of a feed of one's own."""

    permission_classes = (IsAuthenticated,)

    def delete(self, request, pk: int, user_id: int) -> Response:
        """Remove them."""
        actions.remove_follower(_feed(self), user_id, by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class FeedEntries(generics.ListCreateAPIView):
    """The entries of a feed, newest first."""

    serializer_class = EntrySerializer

    def get_queryset(self):
        user = self.request.user
        return Entry.objects.alive().filter(feed=_feed(self)).readable_by(user).for_viewer(user)

    def create(self, request, *args, **kwargs) -> Response:
        """Publish an entry."""
        feed = _feed(self)
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

    def may_delete(self, entry: Entry) -> set[int]:
        """Return its author and the owner of the feed it stands in."""
        return {entry.author_id, entry.feed.owner_id}


class EntryLike(APIView):
    """Whether one likes an entry."""

    permission_classes = (IsAuthenticated,)

    def put(self, request, pk: int) -> Response:
        """Like it; twice is once."""
        NoFields(data=request.data).is_valid(raise_exception=True)
        return Response(EntrySerializer(actions.like_entry(_entry(self), by=request.user)).data)

    def delete(self, request, pk: int) -> Response:
        """Take the like back."""
        return Response(EntrySerializer(actions.unlike_entry(_entry(self), by=request.user)).data)


class EntryComments(generics.ListCreateAPIView):
    """The comments under an entry, newest first."""

    serializer_class = CommentSerializer

    def get_queryset(self):
        return Comment.objects.alive().filter(entry=_entry(self)).select_related("author")

    def create(self, request, *args, **kwargs) -> Response:
        """Comment on the entry."""
        entry = _entry(self)
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        comment = actions.comment_on(entry, by=request.user, **serializer.validated_data)
        return Response(self.get_serializer(comment).data, status=status.HTTP_201_CREATED)


class CommentDetail(Owned, generics.RetrieveDestroyAPIView):
    """One comment."""

    serializer_class = CommentSerializer

    def get_queryset(self):
        comments = Comment.objects.alive().readable_by(self.request.user)
        return comments.select_related("author", "entry__author", "entry__feed")

    def belongs_to(self, comment: Comment) -> int:
        """Return its author's id."""
        return comment.author_id

    def may_delete(self, comment: Comment) -> set[int]:
        """Return its author and the owner of the feed it stands in."""
        return {comment.author_id, comment.entry.feed.owner_id}


class Timeline(generics.ListAPIView):
    """The home feed: the entries of the feeds one follows and of one's own, newest first."""

    serializer_class = EntrySerializer
    permission_classes = (IsAuthenticated,)

    def get_queryset(self):
        return Home(self.request.user)
