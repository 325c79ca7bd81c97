"""What `access` says: the topic of a user's own devices."""

from events.catalogue import alias, topic_kind


def _own(user, ids):
    return [str(user.pk)] if user.is_authenticated and str(user.pk) in ids else []


USER = topic_kind("users.{id}", "What concerns one user: notifications, follows, preferences.", can_read=_own)
ME = alias("me", "One's own `users.<id>`.", resolve=lambda user: [f"users.{user.pk}"] if user.pk else [])
