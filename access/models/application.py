"""Applications."""

from django.db import models
from django.utils import timezone

from access.models.user import User


class Application(models.Model):
    """A program of a user's: its keys act with the user's rights and with what is granted to it alone."""

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="applications", db_index=False)
    name = models.CharField(max_length=100)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            # A name tells one's applications apart; also serves the owner's list.
            models.UniqueConstraint(
                fields=["owner", "name"],
                name="access_application_once",
                violation_error_message="You have an application of this name.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.owner}"
