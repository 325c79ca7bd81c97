"""By what it is known whether an endpoint has changed."""

import uuid

from django.db import models


class EndpointRevision(models.Model):
    """The one row that gets a new value, by a trigger, in every transaction that changes who listens to what."""

    id = models.SmallAutoField(primary_key=True)
    revision = models.UUIDField(default=uuid.uuid4)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="webhooks_one_revision")]

    def __str__(self) -> str:
        return str(self.revision)
