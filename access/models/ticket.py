"""Tickets."""

from django.db import models

from access.models.api_key import ApiKey
from access.models.user import User


class Ticket(models.Model):
    """For a minute and one connection as good as the session or the key by which it was made."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    api_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, null=True, related_name="+")
    session_key = models.CharField(max_length=40, blank=True)
    hash = models.BinaryField(max_length=32, unique=True)  # redeemed by it
    expires_at = models.DateTimeField(db_index=True)  # forgotten by age

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(api_key=None) ^ models.Q(session_key=""), name="access_ticket_made_from_one"
            ),
        ]

    def __str__(self) -> str:
        return f"ticket of {self.user}"
