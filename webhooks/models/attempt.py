"""Every try to deliver."""

from django.db import models

from webhooks.models.delivery import Delivery


class Attempt(models.Model):
    """One try to deliver: what was sent and what came back."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="tries")
    number = models.PositiveIntegerField()
    # Where it went: the endpoint's URL may be another one by now.
    url = models.CharField(max_length=2000, blank=True, db_default="")
    started_at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField()
    status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    error = models.TextField(blank=True)
    request_headers = models.JSONField(default=dict)
    response_headers = models.JSONField(default=dict)
    response_body = models.TextField(blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"try {self.number}: {self.status_code or self.error}"
