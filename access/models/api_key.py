"""API keys."""

from django.db import models, transaction
from django.utils import timezone

from access import signals
from access.models.application import Application
from access.models.user import User


class ApiKeyQuerySet(models.QuerySet):
    """Questions about keys."""

    def valid(self) -> "ApiKeyQuerySet":
        """Return the keys that open something now."""
        alive = models.Q(expires_at=None) | models.Q(expires_at__gt=timezone.now())
        return self.filter(alive, revoked_at=None, user__is_active=True)

    def revoke(self) -> int:
        """End the keys now, tell of each in the same transaction, and return how many still opened something."""
        with transaction.atomic():
            rows = list(self.filter(revoked_at=None).select_for_update(of=("self",), no_key=True).order_by("pk"))
            ApiKey.objects.filter(pk__in=[row.pk for row in rows]).update(revoked_at=timezone.now())
            for row in rows:
                signals.key_revoked.send(ApiKey, key=row)
        return len(rows)


class ApiKey(models.Model):
    """A key of a user's; what is kept is a hash, so that it is shown once and can be read by nobody."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    application = models.ForeignKey(
        Application, on_delete=models.CASCADE, null=True, blank=True, related_name="api_keys"
    )
    name = models.CharField(max_length=100, blank=True)
    hash = models.BinaryField(max_length=32, unique=True)  # found by it at each request
    hint = models.CharField(max_length=12)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.hint}… of {self.user}"

    @property
    def has_ended(self) -> bool:
        """Say whether its time is over."""
        return self.expires_at is not None and self.expires_at <= timezone.now()
