"""What the feeds API takes and gives."""

from rest_framework import serializers

from access.serializers import StrictSerializer
from feeds import payloads
from feeds.models import Comment, Entry, Feed, Follow
from feeds.models.comment import TEXT_MAX_LENGTH as COMMENT_MAX_LENGTH
from feeds.models.entry import TEXT_MAX_LENGTH as ENTRY_MAX_LENGTH


class FeedSerializer(StrictSerializer):
    """A feed: its state, and whether the viewer follows it or has asked to."""

    slug = serializers.CharField(max_length=50)
    title = serializers.CharField(max_length=200)
    description = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    visibility = serializers.ChoiceField(Feed.Visibility.choices, required=False)

    def validate_slug(self, slug: str) -> str:
        """Check the form, and that nobody has this address; it cannot be another's name either."""
        Feed._meta.get_field("slug").run_validators(slug)
        others = Feed.objects.exclude(pk=self.instance.pk) if self.instance else Feed.objects
        if others.filter(slug__iexact=slug).exists():
            raise serializers.ValidationError("This address is taken.", code="unique")
        if self.instance and self.instance.is_personal and slug != self.instance.slug:
            raise serializers.ValidationError("A personal feed keeps its owner's name.")
        return slug

    def to_representation(self, feed: Feed) -> dict:
        """Return the feed as this viewer sees it."""
        return payloads.feed(feed) | {name: getattr(feed, name) for name in ("following", "requested", "notify")}


class FollowingSerializer(StrictSerializer):
    """How one follows a feed."""

    notify = serializers.BooleanField(required=False)


class FollowSerializer(StrictSerializer):
    """A follow, or a request to, as the feed's owner sees it."""

    def to_representation(self, follow: Follow) -> dict:
        """Return who follows or asks."""
        return payloads.follow(follow)


class EntrySerializer(StrictSerializer):
    """An entry: its state, and whether the viewer likes it."""

    text = serializers.CharField(max_length=ENTRY_MAX_LENGTH)
    kind = serializers.ChoiceField(Entry.Kind.choices, required=False)
    visibility = serializers.ChoiceField(Entry.Visibility.choices, required=False)

    def to_representation(self, entry: Entry) -> dict:
        """Return the entry as this viewer sees it."""
        return payloads.entry(entry) | {"liked": entry.liked}


class EntryEditSerializer(EntrySerializer):
    """What of an entry can be edited: its text."""

    kind = visibility = None


class CommentSerializer(StrictSerializer):
    """A comment."""

    text = serializers.CharField(max_length=COMMENT_MAX_LENGTH)
    parent = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=2**63 - 1)

    def to_representation(self, comment: Comment) -> dict:
        """Return the comment."""
        return payloads.comment(comment)


class CommentEditSerializer(CommentSerializer):
    """What of a comment can be edited: its text."""

    parent = None
