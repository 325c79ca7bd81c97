"""By what it is known whether an endpoint has changed."""

import uuid

from django.db import models


class EndpointRevision(models.Model):
    """A value that a trigger makes new in each transaction that changes who listens to what.

    Mostly there is one row; who finds it held by another transaction takes the next, so that none waits. Nothing has
    changed as long as all the values are as they were.
    """

    id = models.BigAutoField(primary_key=True)
    revision = models.UUIDField(default=uuid.uuid4)

    def __str__(self) -> str:
        return str(self.revision)
