"""Full-text search over what one may read."""

from rest_framework import generics, serializers
from rest_framework.exceptions import ValidationError

from access.serializers import StrictSerializer
from feeds.models import Comment, Entry, Feed, words
from feeds.serializers import CommentSerializer, EntrySerializer, FeedSerializer


class Asked(StrictSerializer):
    """What is searched for, and among what."""

    q = serializers.CharField(max_length=words.TEXT_MAX_LENGTH)
    type = serializers.ChoiceField(["entry", "comment", "feed"], default="entry")


def _entries(user):
    return Entry.objects.alive().readable_by(user).shown_to(user).for_viewer(user)


def _comments(user):
    return Comment.objects.alive().readable_by(user).shown_to(user).for_viewer()


def _feeds(user):
    return Feed.objects.visible_to(user).shown_to(user).for_viewer(user)


TYPES = {
    "entry": (_entries, EntrySerializer),
    "comment": (_comments, CommentSerializer),
    "feed": (_feeds, FeedSerializer),
}


class Search(generics.ListAPIView):
    """What has every word of `?q=`, newest first; `?type=` says among what: entry, comment or feed."""

    def initial(self, request, *args, **kwargs) -> None:
        super().initial(request, *args, **kwargs)
        asked = Asked(data={name: request.query_params[name] for name in ("q", "type") if name in request.query_params})
        asked.is_valid(raise_exception=True)
        self.asked = asked.validated_data

    def get_serializer_class(self):
        return TYPES[self.asked["type"]][1]

    def get_queryset(self):
        rows, _ = TYPES[self.asked["type"]]
        return rows(self.request.user).with_words(self.asked["q"])

    def list(self, request, *args, **kwargs):
        """Return a page of what is found, within bounds."""
        try:
            with words.bounded():
                return super().list(request, *args, **kwargs)
        except words.TooMuch:
            raise ValidationError({"q": "This would take too long: add a word."}) from None
