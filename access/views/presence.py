"""Who is here."""

from django.db.models import Min
from django.db.models.functions import Now
from rest_framework import generics, serializers
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.response import Response

from events import catalogue
from events.models import PresenceLease


class PersonSerializer(serializers.Serializer):
    """Somebody who is here."""

    id = serializers.IntegerField(source="user_id")
    username = serializers.CharField()
    since = serializers.DateTimeField()


class PresenceView(generics.ListAPIView):
    """Who reads a topic now, for all who may read it."""

    serializer_class = PersonSerializer
    permission_classes = (AllowAny,)

    def list(self, request, *args, **kwargs) -> Response:
        """Return who is here, and how many they are."""
        topic = _topic(request.query_params)
        if topic not in catalogue.readable(request.user, [topic]):
            raise PermissionDenied(f"You may not read {topic}.")
        if not catalogue.has_presence(topic):
            raise NotFound("Nobody is shown who else reads this topic.")
        leases = PresenceLease.objects.filter(topic=topic, expires_at__gt=Now())
        # However many processes somebody is connected to, they are one.
        here = leases.filter(pk__in=leases.values("user_id").annotate(first=Min("pk")).values("first"))
        page = self.paginate_queryset(here)
        response = self.get_paginated_response(self.get_serializer(page, many=True).data)
        response.data["count"] = here.count()
        return response


def _topic(params) -> str:
    topic = params.get("topic", "")
    if not catalogue.is_topic(topic):
        raise ValidationError({"topic": "Name one topic."})
    return topic
