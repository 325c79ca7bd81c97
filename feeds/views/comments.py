"""Comments."""

from django.http import Http404
from rest_framework import generics, status
from rest_framework.response import Response

from access.relations import check_not_blocked
from feeds import actions
from feeds.models import Comment, Entry
from feeds.serializers import CommentEditSerializer, CommentSerializer
from feeds.views.entries import readable_entry
from feeds.views.owned import Owned
from feeds.views.versions import Versioned


class EntryComments(Versioned, generics.ListCreateAPIView):
    """The comments under an entry, newest first."""

    serializer_class = CommentSerializer

    def get_queryset(self):
        comments = Comment.objects.alive().filter(entry=readable_entry(self))
        return comments.shown_to(self.request.user).for_viewer()

    def create(self, request, *args, **kwargs) -> Response:
        """Comment on the entry."""
        entry = readable_entry(self)
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        try:
            comment = actions.comment_on(entry, by=request.user, **serializer.validated_data)
        except Entry.DoesNotExist:
            raise Http404 from None
        return Response(self.get_serializer(comment).data, status=status.HTTP_201_CREATED)


class CommentDetail(Owned, generics.RetrieveDestroyAPIView):
    """One comment."""

    serializer_class = CommentSerializer

    def get_serializer_class(self):
        return CommentEditSerializer if self.request.method == "PATCH" else CommentSerializer

    def get_queryset(self):
        comments = Comment.objects.alive().readable_by(self.request.user)
        return comments.for_viewer().select_related("entry__author", "entry__feed")

    def belongs_to(self, comment: Comment) -> int:
        """Return its author's id."""
        return comment.author_id

    def is_there(self, comment: Comment) -> bool:
        return comment.is_there and comment.entry.is_there

    def perform_update(self, comment: Comment) -> None:
        """Write a new text, unless a block has come between the two."""
        check_not_blocked(comment.entry.author_id, by=comment.author_id)
        comment.save()

    def may_delete(self, comment: Comment) -> set[int]:
        """Return its author and the owner of the feed it stands in."""
        return {comment.author_id, comment.entry.feed.owner_id}
