"""Facts about feeds. Each is sent by a model inside the transaction that made it true, after the row was written."""

from django.dispatch import Signal

# Arguments: feed (Feed).
feed_created = Signal()
feed_edited = Signal()
feed_deleted = Signal()
feed_counted = Signal()

# Arguments: follow (Follow), whose feed carries the new follower count.
feed_followed = Signal()
feed_unfollowed = Signal()
follow_requested = Signal()
# Whether the follower wants to be notified is another than before.
follow_notify_changed = Signal()
# The request was taken back or declined; a follow came of none.
request_ended = Signal()

# Arguments: follows (list[Follow]), of one feed, which carries the new follower count.
requests_accepted = Signal()

# Arguments: entry (Entry).
entry_published = Signal()
entry_edited = Signal()
entry_deleted = Signal()
entry_counted = Signal()

# Arguments: reaction (Reaction), whose entry carries the new counts.
entry_liked = Signal()
entry_unliked = Signal()

# Arguments: comment (Comment).
comment_published = Signal()
comment_edited = Signal()
comment_deleted = Signal()
