"""Facts about users."""

from django.dispatch import Signal

# A user has joined, in the transaction that made the row. Arguments: user (User).
user_joined = Signal()
