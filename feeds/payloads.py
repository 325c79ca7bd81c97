"""The state of each object as everyone is told it: the same in events and, with the viewer's own fields, in answers."""

from typing import Any

from events.encoding import timestamp
from feeds.models import Comment, Entry, Feed, Follow, Reaction

Payload = dict[str, Any]


def person(user) -> Payload:
    """Return who somebody is."""
    return {"id": user.pk, "username": user.username}


def feed(feed: Feed) -> Payload:
    """Return a feed."""
    return {
        "id": feed.pk,
        "slug": feed.slug,
        "title": feed.title,
        "description": feed.description,
        "visibility": feed.visibility,
        "owner": person(feed.owner),
        "follower_count": feed.follower_count,
        "version": feed.version,
    }


def entry(entry: Entry) -> Payload:
    """Return an entry."""
    return {
        "id": entry.pk,
        "feed": entry.feed_id,
        "author": person(entry.author),
        "kind": entry.kind,
        "text": entry.text,
        "visibility": entry.visibility,
        "mentions": [person(user) for user in entry.mentioned],
        "created_at": timestamp(entry.created_at),
        "edited_at": entry.edited_at and timestamp(entry.edited_at),
        "like_count": entry.like_count,
        "comment_count": entry.comment_count,
        "version": entry.version,
    }


def tombstone(row: Entry | Comment) -> Payload:
    """Return what is left of a deleted entry or comment."""
    return {"id": row.pk, "deleted_at": timestamp(row.deleted_at), "version": row.version}


def counts(entry: Entry) -> Payload:
    """Return an entry's counts."""
    return {
        "id": entry.pk,
        "like_count": entry.like_count,
        "comment_count": entry.comment_count,
        "version": entry.version,
    }


def comment(comment: Comment) -> Payload:
    """Return a comment."""
    return {
        "id": comment.pk,
        "entry": comment.entry_id,
        "parent": comment.parent_id,
        "parent_author": comment.parent and comment.parent.author_id,
        "author": person(comment.author),
        "text": comment.text,
        "mentions": [person(user) for user in comment.mentioned],
        "created_at": timestamp(comment.created_at),
        "edited_at": comment.edited_at and timestamp(comment.edited_at),
        "version": comment.version,
    }


def entry_reference(entry: Entry) -> Payload:
    """Return which entry, and whose."""
    return {"id": entry.pk, "feed": entry.feed_id, "author": person(entry.author)}


def feed_counts(feed: Feed) -> Payload:
    """Return a feed's counts."""
    return {"id": feed.pk, "follower_count": feed.follower_count, "version": feed.version}


def follow(follow: Follow) -> Payload:
    """Return a follow, or a request to."""
    return {
        "id": follow.pk,
        "feed": follow.feed_id,
        "follower": person(follow.follower),
        "state": follow.state,
        "created_at": timestamp(follow.created_at),
        "version": follow.version,
    }


def ended_follow(ended: Follow) -> Payload:
    """Return what is left of a follow, or of a request, after its end."""
    return {name: value for name, value in follow(ended).items() if name != "created_at"}


def following(follow: Follow) -> Payload:
    """Return who follows what."""
    return {"feed": feed(follow.feed), "follower": person(follow.follower)}


def reaction(reaction: Reaction) -> Payload:
    """Return who likes what."""
    return {"entry": entry_reference(reaction.entry), "actor": person(reaction.user)}
