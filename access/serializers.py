"""What serializers of the API have in common."""

from rest_framework import serializers


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
