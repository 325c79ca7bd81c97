"""Facts about users and by what they come in, each sent inside the transaction that made it true."""

from django.dispatch import Signal

# Arguments: user (User).
user_joined = Signal()
user_deactivated = Signal()
user_reactivated = Signal()

# A session is over before its time, or all of a user's are. Arguments: user_id (int).
session_ended = Signal()

# Arguments: grant (Grant).
grant_created = Signal()
grant_revoked = Signal()

# Arguments: key (ApiKey).
key_revoked = Signal()

# Arguments: block (Block). Who hears it ends what the two have with each other, in the same transaction.
user_blocked = Signal()
user_unblocked = Signal()

# Arguments: mute (Mute), new or with another end.
user_muted = Signal()
user_unmuted = Signal()

# A user has another name, in the transaction that wrote it. Arguments: user (User), before (the name until now).
user_renamed = Signal()

# Somebody is to have this name: who cannot let them raises `ValidationError`. Arguments: user (User).
username_wanted = Signal()
