"""What the core itself says: nothing in the log, but notices on topics of its own."""

from events.catalogue import has_presence, readable, topic_kind


def _readers_of(user, topics):
    return readable(user, [topic for topic in topics if has_presence(topic)])


def _staff(user, ids):
    return ids if user.is_staff else []


PRESENCE = topic_kind("presence.{topic}", "Who comes and goes on a topic; only for those here now.", _readers_of)
OPERATIONS = topic_kind(
    "operations", "What operators want to see at once; only for those here now.", _staff, has_notices=True
)
