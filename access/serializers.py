"""What serializers of the API have in common, and what the API of `access` takes and gives."""

from datetime import datetime

from django.utils import timezone
from rest_framework import serializers

from access import payloads
from access.models import ApiKey, Application, Block, Grant, Mute, User, check_topic
from events.encoding import timestamp


class StrictSerializer(serializers.Serializer):
    """A serializer that refuses fields it does not know: a misspelt one is an error, not silence."""

    def to_internal_value(self, data):
        """Check that every field is known, then go on as usual."""
        if isinstance(data, dict) and (unknown := sorted(set(data) - self._writable())):
            raise serializers.ValidationError(
                {name: [serializers.ErrorDetail("Unknown field.", code="unknown")] for name in unknown[:20]}
            )
        return super().to_internal_value(data)

    def _writable(self) -> set[str]:
        return {name for name, field in self.fields.items() if not field.read_only}


class NoFields(StrictSerializer):
    """A request that takes no body, or an empty object."""


class Future(serializers.DateTimeField):
    """A moment that is still to come."""

    default_error_messages = {"past": "This moment has passed."}

    def to_internal_value(self, value) -> datetime:
        """Read the moment."""
        moment = super().to_internal_value(value)
        if moment <= timezone.now():
            self.fail("past")
        return moment


class ApplicationSerializer(StrictSerializer):
    """An application."""

    name = serializers.CharField(max_length=100)

    def to_representation(self, application: Application) -> dict:
        """Return the application."""
        return {"id": application.pk, "name": application.name, "created_at": timestamp(application.created_at)}


class KeySerializer(StrictSerializer):
    """A key; its text is shown by the answer that makes it, and never again."""

    name = serializers.CharField(max_length=100, required=False, allow_blank=True)
    application = serializers.PrimaryKeyRelatedField(
        queryset=Application.objects.none(), required=False, allow_null=True
    )
    expires_at = Future(required=False, allow_null=True)

    def get_fields(self) -> dict:
        """Let one choose among one's own applications."""
        fields = super().get_fields()
        fields["application"].queryset = Application.objects.filter(owner=self.context["request"].user)
        return fields

    def validate(self, attrs: dict) -> dict:
        """Let no key outlive the key that makes it."""
        end = getattr(self.context["request"].auth, "expires_at", None)
        if end is not None and (attrs.setdefault("expires_at", end) is None or attrs["expires_at"] > end):
            raise serializers.ValidationError({"expires_at": f"The key you call with ends at {timestamp(end)}."})
        return attrs

    def to_representation(self, key: ApiKey) -> dict:
        """Return the key without its text."""
        return {
            "id": key.pk,
            "name": key.name,
            "hint": key.hint,
            "application": key.application_id,
            "created_at": timestamp(key.created_at),
            "last_used_at": _moment(key.last_used_at),
            "expires_at": _moment(key.expires_at),
            "revoked_at": _moment(key.revoked_at),
        }


class GrantSerializer(StrictSerializer):
    """A grant."""

    user = serializers.PrimaryKeyRelatedField(queryset=User.objects.all(), required=False)
    application = serializers.PrimaryKeyRelatedField(queryset=Application.objects.all(), required=False)
    topic = serializers.CharField(max_length=91, validators=[check_topic])
    right = serializers.ChoiceField(Grant.Right.choices)
    expires_at = Future(required=False, allow_null=True)

    def validate(self, attrs: dict) -> dict:
        """Grant to one."""
        if ("user" in attrs) == ("application" in attrs):
            raise serializers.ValidationError("Grant to a user or to an application, to one of both.")
        return attrs

    def to_representation(self, grant: Grant) -> dict:
        """Return the grant."""
        return {
            "id": grant.pk,
            "user": _person(grant.user),
            "application": grant.application and {"id": grant.application.pk, "name": grant.application.name},
            "topic": grant.topic,
            "right": grant.right,
            "granted_by": _person(grant.granted_by),
            "created_at": timestamp(grant.created_at),
            "expires_at": _moment(grant.expires_at),
            "revoked_at": _moment(grant.revoked_at),
        }


class BlockSerializer(NoFields):
    """Whom one blocks."""

    def to_representation(self, block: Block) -> dict:
        """Return the block."""
        return payloads.block(block)


class MuteSerializer(StrictSerializer):
    """Whom one mutes, and until when."""

    until = Future(required=False, allow_null=True, default=None)

    def to_representation(self, mute: Mute) -> dict:
        """Return the mute."""
        return payloads.mute(mute)


def _moment(moment: datetime | None) -> str | None:
    return moment and timestamp(moment)


def _person(user: User | None) -> dict | None:
    return user and {"id": user.pk, "username": user.username}
