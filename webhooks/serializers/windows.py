"""From where on: a moment or a cursor, as the caller likes, and the position that it means."""

from rest_framework import serializers

from access.serializers import StrictSerializer
from events import cursor, log
from events.encoding import timestamp

REFUSALS = {
    "epoch": "This cursor is of another life of the log; give a moment in `since`.",
    "retention": "The log no longer goes back to this cursor; give a moment in `since`.",
    "ahead": "This cursor is ahead of the log.",
}


class WindowSerializer(StrictSerializer):
    """Where a window of the log begins; `position` is what it comes to."""

    since = serializers.DateTimeField(required=False)
    after = serializers.CharField(required=False, max_length=100)

    def validate_after(self, text: str) -> int:
        """Return the position, if the log can be gone on with from there."""
        try:
            after = cursor.parse(text)
        except cursor.InvalidCursor as error:
            raise serializers.ValidationError(str(error)) from None
        if reason := log.head().refuses(after):
            raise serializers.ValidationError(REFUSALS[reason], code=reason)
        return after.position

    def validate(self, attrs: dict) -> dict:
        """Want one of both."""
        if ("since" in attrs) == ("after" in attrs):
            raise serializers.ValidationError("Give `since` (a moment) or `after` (a cursor), one of both.")
        if "since" in attrs:
            # A moment that is still to come means the head.
            attrs["position"] = log.position_before(attrs["since"])
        else:
            attrs["position"] = attrs["after"]
        return attrs


def cursor_text(position: int, epoch: str) -> str:
    """Write a position as the cursor that it is for callers."""
    return str(cursor.Cursor(epoch, position))


def moment_text(moment) -> str | None:
    """Write a moment, or None."""
    return moment and timestamp(moment)
