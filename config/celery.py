"""The Celery application; it carries wake-ups only, so that a lost or doubled message costs nothing."""

from celery import Celery

from config import environment  # noqa: F401  names the settings module before Celery reads it

app = Celery("tidewire")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
