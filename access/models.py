"""Users, their keys, and the answers that idempotent requests get again."""

from django.contrib.auth.models import AbstractUser
from django.core.validators import RegexValidator
from django.db import models, transaction
from django.db.models.functions import Upper
from django.utils import timezone

from access.signals import user_joined, user_renamed, username_wanted

USERNAME = RegexValidator(
    r"\A[A-Za-z0-9][A-Za-z0-9_.-]{0,49}\Z",
    "A name has letters, digits, dots, dashes and underscores, begins with a letter or digit, and is at most 50 long.",
)


class User(AbstractUser):
    """A person, or a program that acts for one."""

    username = models.CharField(
        max_length=50, unique=True, validators=[USERNAME], error_messages={"unique": "This name is taken."}
    )

    class Meta:
        constraints = [
            # Two people whose names differ in case alone could be taken for each other; `iexact` asks in upper case.
            models.UniqueConstraint(
                Upper("username"), name="access_username_any_case", violation_error_message="This name is taken."
            ),
        ]

    def clean(self) -> None:
        """Check that nothing else has this name either, where a form can still show the error."""
        super().clean()
        username_wanted.send(User, user=self)

    def save(self, *args, **kwargs) -> None:
        """Save the user; a new one, and a new name, is told of in the same transaction."""
        is_new, named = self._state.adding, "username" in (kwargs.get("update_fields") or ["username"])
        with transaction.atomic():
            before = None if is_new or not named else self._name_in_database()
            super().save(*args, **kwargs)
            if is_new:
                user_joined.send(User, user=self)
            elif before not in (None, self.username):
                user_renamed.send(User, user=self, before=before)

    def _name_in_database(self) -> str | None:
        rows = User.objects.select_for_update(no_key=True).filter(pk=self.pk)
        return rows.values_list("username", flat=True).first()


class ApiKeyQuerySet(models.QuerySet):
    """Questions about keys."""

    def valid(self) -> "ApiKeyQuerySet":
        """Return the keys that open something now."""
        alive = models.Q(expires_at=None) | models.Q(expires_at__gt=timezone.now())
        return self.filter(alive, revoked_at=None, user__is_active=True)


class ApiKey(models.Model):
    """A key of a user's; what is kept is a hash, so that it is shown once and can be read by nobody."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
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
