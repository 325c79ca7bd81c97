"""Facts about users."""

from django.dispatch import Signal

# A user has joined, in the transaction that made the row. Arguments: user (User).
user_joined = Signal()

# A user has another name, in the transaction that wrote it. Arguments: user (User), before (the name until now).
user_renamed = Signal()

# Somebody is to have this name: who cannot let them raises `ValidationError`. Arguments: user (User).
username_wanted = Signal()
