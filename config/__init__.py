"""The wiring: settings, URLs, the ASGI application, Celery and the REST conventions."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
