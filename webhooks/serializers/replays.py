"""Replays as the API takes and gives them."""

from rest_framework import serializers

from events import log
from webhooks.models import Replay
from webhooks.serializers.windows import WindowSerializer, cursor_text, moment_text


class ReplaySerializer(WindowSerializer):
    """A replay: from where on, and what of it."""

    only = serializers.ChoiceField(Replay.Only.choices, default=Replay.Only.FAILED)

    def to_representation(self, replay: Replay) -> dict:
        """Return the replay and how far it has come."""
        epoch = self.context.setdefault("epoch", None) or log.head().epoch
        self.context["epoch"] = epoch
        return {
            "id": replay.pk,
            "endpoint": replay.endpoint_id,
            "only": replay.only,
            "after": cursor_text(replay.after, epoch),
            "upto": cursor_text(replay.upto, epoch),
            "status": replay.status,
            "progress": replay.progress,
            "made": replay.made,
            "created_at": moment_text(replay.created_at),
            "finished_at": moment_text(replay.finished_at),
            "error": replay.error,
        }
