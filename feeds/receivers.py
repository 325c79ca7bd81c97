"""What happens in feeds is recorded, each fact as one event on one topic."""

from django.core.exceptions import ValidationError
from django.dispatch import receiver

from access.signals import user_blocked, user_joined, user_renamed, username_wanted
from events.actions import Fact, record, record_many
from feeds import actions, payloads, signals
from feeds import event_types as types
from feeds.models import Comment, Entry, Feed


def _record_entry(event_type, entry: Entry, state: payloads.Payload) -> None:
    record(event_type, topic=types.topic_of(entry), subject=f"entries/{entry.pk}", data={"entry": state})


def _record_comment(event_type, comment: Comment, state: payloads.Payload) -> None:
    data = {"comment": state, "entry": payloads.entry_reference(comment.entry)}
    record(event_type, topic=types.topic_of(comment.entry), subject=f"comments/{comment.pk}", data=data)


@receiver(username_wanted)
def refuse_the_address_of_a_feed(sender, user, **kwargs):
    own = {"owner_id": user.pk, "is_personal": True}
    if Feed.objects.filter(slug__iexact=user.username).exclude(**own).exists():
        raise ValidationError({"username": "This name is taken."})


@receiver(user_renamed)
def rename_the_personal_feed(sender, user, before, **kwargs):
    refuse_the_address_of_a_feed(sender, user)
    for feed in Feed.objects.filter(owner=user).select_related("owner").order_by("pk"):
        if feed.is_personal:
            feed.slug, feed.title = user.username, user.username if feed.title == before else feed.title
            feed.save()
        else:
            # Its state names its owner.
            feed.tell_again()


@receiver(user_joined)
def give_a_personal_feed(sender, user, **kwargs):
    refuse_the_address_of_a_feed(sender, user)
    Feed.objects.create(owner=user, slug=user.username, title=user.username, is_personal=True)


@receiver(user_blocked)
def part_who_blocked(sender, block, **kwargs):
    actions.part(block.blocker, block.blocked)


@receiver(signals.entry_published)
def record_entry_published(sender, entry, **kwargs):
    _record_entry(types.ENTRY_PUBLISHED, entry, payloads.entry(entry))


@receiver(signals.entry_edited)
def record_entry_edited(sender, entry, **kwargs):
    _record_entry(types.ENTRY_EDITED, entry, payloads.entry(entry))


@receiver(signals.entry_deleted)
def record_entry_deleted(sender, entry, **kwargs):
    _record_entry(types.ENTRY_DELETED, entry, payloads.tombstone(entry))


@receiver(signals.entry_counted)
def record_entry_counted(sender, entry, **kwargs):
    _record_entry(types.ENTRY_COUNTED, entry, payloads.counts(entry))


@receiver(signals.entry_liked)
def record_entry_liked(sender, reaction, **kwargs):
    _tell_author(types.ENTRY_LIKED, reaction)


@receiver(signals.entry_unliked)
def record_entry_unliked(sender, reaction, **kwargs):
    _tell_author(types.ENTRY_UNLIKED, reaction)


def _tell_author(event_type, reaction) -> None:
    topic = f"users.{reaction.entry.author_id}"
    record(event_type, topic=topic, subject=f"entries/{reaction.entry_id}", data=payloads.reaction(reaction))


@receiver(signals.comment_published)
def record_comment_published(sender, comment, **kwargs):
    _record_comment(types.COMMENT_PUBLISHED, comment, payloads.comment(comment))


@receiver(signals.comment_edited)
def record_comment_edited(sender, comment, **kwargs):
    _record_comment(types.COMMENT_EDITED, comment, payloads.comment(comment))


@receiver(signals.comment_deleted)
def record_comment_deleted(sender, comment, **kwargs):
    _record_comment(types.COMMENT_DELETED, comment, payloads.tombstone(comment))


@receiver(signals.feed_created)
def record_feed_created(sender, feed, **kwargs):
    data = {"feed": payloads.feed(feed)}
    record(types.FEED_CREATED, topic=f"users.{feed.owner_id}", subject=f"feeds/{feed.pk}", data=data)


@receiver(signals.feed_edited)
def record_feed_edited(sender, feed, **kwargs):
    data = {"feed": payloads.feed(feed)}
    record(types.FEED_EDITED, topic=f"feeds.{feed.pk}", subject=f"feeds/{feed.pk}", data=data)


@receiver(signals.feed_deleted)
def record_feed_deleted(sender, feed, **kwargs):
    data = {"feed": {"id": feed.pk, "version": feed.version}}
    record(types.FEED_DELETED, topic=f"feeds.{feed.pk}", subject=f"feeds/{feed.pk}", data=data)


@receiver(signals.feed_counted)
def record_feed_counted(sender, feed, **kwargs):
    data = {"feed": payloads.feed_counts(feed)}
    record(types.FEED_COUNTED, topic=f"feeds.{feed.pk}", subject=f"feeds/{feed.pk}", data=data)


# A follow is told twice, each time on one topic: to the devices of who follows, and to those of the feed's owner.


@receiver(signals.feed_followed)
def record_feed_followed(sender, follow, **kwargs):
    record_many(_told_of(follow, types.FEED_FOLLOWED, types.FOLLOW_ACCEPTED, payloads.follow(follow)))


@receiver(signals.requests_accepted)
def record_requests_accepted(sender, follows, **kwargs):
    kinds = types.FEED_FOLLOWED, types.FOLLOW_ACCEPTED
    record_many(fact for follow in follows for fact in _told_of(follow, *kinds, payloads.follow(follow)))


@receiver(signals.feed_unfollowed)
def record_feed_unfollowed(sender, follow, **kwargs):
    record_many(_told_of(follow, types.FEED_UNFOLLOWED, types.FOLLOW_ENDED, payloads.ended_follow(follow)))


@receiver(signals.follow_requested)
def record_follow_requested(sender, follow, **kwargs):
    record_many(_told_of(follow, types.FEED_REQUESTED, types.FOLLOW_REQUESTED, payloads.follow(follow)))


@receiver(signals.follow_notify_changed)
def record_follow_notify_changed(sender, follow, **kwargs):
    kind = types.FEED_WATCHED if follow.notify else types.FEED_UNWATCHED
    subject = f"feeds/{follow.feed_id}"
    record(kind, topic=f"users.{follow.follower_id}", subject=subject, data=payloads.following(follow))


@receiver(signals.request_ended)
def record_request_ended(sender, follow, **kwargs):
    record_many(_told_of(follow, types.FEED_UNREQUESTED, types.FOLLOW_ENDED, payloads.ended_follow(follow)))


def _told_of(follow, to_follower, to_owner, state) -> list[Fact]:
    following = payloads.following(follow)
    followed = {"follow": state, "feed": following["feed"]}
    return [
        Fact(to_follower, f"users.{follow.follower_id}", f"feeds/{follow.feed_id}", following),
        Fact(to_owner, f"users.{follow.feed.owner_id}", f"follows/{follow.pk}", followed),
    ]
