"""The answers that idempotent requests get again."""

from django.db import models
from django.utils import timezone


class IdempotentAnswer(models.Model):
    """What a request with an `Idempotency-Key` was answered, kept in the transaction of what it did."""

    principal = models.CharField(max_length=50)
    method = models.CharField(max_length=10)
    path = models.CharField(max_length=500)
    key = models.CharField(max_length=255)
    request_hash = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField(default=0)
    content_type = models.CharField(max_length=100, default="")
    body = models.TextField(default="")
    holds_secret = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)  # forgotten by age

    class Meta:
        constraints = [
            # Two requests with one key at the same moment: the second waits for the first's answer.
            models.UniqueConstraint(fields=["principal", "method", "path", "key"], name="access_one_answer_per_key"),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path} by {self.principal}"
