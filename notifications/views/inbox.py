"""The inbox: one's own and nobody else's."""

from uuid import UUID

from django.http import Http404
from rest_framework import generics
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from access.serializers import NoFields
from notifications import actions
from notifications.models import Decision, Inbox, Notification
from notifications.serializers.inbox import DecisionSerializer, NotificationSerializer, UpTo


class NotificationList(generics.ListAPIView):
    """The inbox, newest first, with the unread count."""

    serializer_class = NotificationSerializer
    permission_classes = (IsAuthenticated,)

    def get_queryset(self):
        return Notification.objects.of(self.request.user)

    def list(self, request, *args, **kwargs) -> Response:
        """Return a page of the inbox."""
        response = super().list(request, *args, **kwargs)
        response.data["unread_count"] = Inbox(user_id=request.user.pk).unread_count
        return response


class OwnNotification(generics.GenericAPIView):
    """One notification of one's own."""

    serializer_class = NotificationSerializer
    permission_classes = (IsAuthenticated,)

    def get_queryset(self):
        return Notification.objects.filter(recipient=self.request.user).kept()


class NotificationDetail(OwnNotification):
    """One notification."""

    def get(self, request, pk: int) -> Response:
        """Return it."""
        return Response(self.get_serializer(self.get_object()).data)

    def patch(self, request, pk: int) -> Response:
        """Mark it as read or unread, put it away, for good or until later, or take it back."""
        notification = self.get_object()
        serializer = self.get_serializer(notification, data=request.data)
        serializer.is_valid(raise_exception=True)
        try:
            changed = actions.change(notification, **serializer.validated_data)
        except Notification.DoesNotExist:
            raise Http404 from None
        return Response(self.get_serializer(changed).data)


class NotificationMute(OwnNotification):
    """Whether one hears more of what it is about."""

    def put(self, request, pk: int) -> Response:
        """Hear nothing more of it."""
        NoFields(data=request.data).is_valid(raise_exception=True)
        row = self.get_object()
        actions.mute_thread(request.user, row.subject_type, row.subject_id)
        return Response({"muted": True})

    def delete(self, request, pk: int) -> Response:
        """Hear of it again."""
        row = self.get_object()
        actions.unmute_thread(request.user, row.subject_type, row.subject_id)
        return Response(status=204)


class NotificationDecisions(generics.ListAPIView):
    """Why one was told by which channel, or was not; newest first."""

    serializer_class = DecisionSerializer
    permission_classes = (IsAuthenticated,)

    def get_queryset(self):
        rows = Notification.objects.filter(recipient=self.request.user)
        notification = generics.get_object_or_404(rows, pk=self.kwargs["pk"])
        return Decision.objects.filter(notification=notification)


class DecisionList(generics.ListAPIView):
    """All that was decided about one, told or not, newest first; `?event=` names one event."""

    serializer_class = DecisionSerializer
    permission_classes = (IsAuthenticated,)

    def get_queryset(self):
        rows = Decision.objects.filter(recipient=self.request.user)
        if (event := self.request.query_params.get("event")) is None:
            return rows
        try:
            return rows.filter(source_event=UUID(event))
        except ValueError:
            raise ValidationError({"event": "This is not an event's id."}) from None


class MarkAll(APIView):
    """Marks the inbox up to one notification, or all of it."""

    permission_classes = (IsAuthenticated,)
    mark = None

    def post(self, request) -> Response:
        """Mark, and return how many were and how many are unread now."""
        serializer = UpTo(data=request.data)
        serializer.is_valid(raise_exception=True)
        count = self.mark(request.user, serializer.validated_data.get("up_to"))
        return Response({"changed": count, "unread_count": Inbox(user_id=request.user.pk).unread_count})


class ReadAll(MarkAll):
    """Marks as read."""

    mark = staticmethod(actions.read_up_to)


class SeeAll(MarkAll):
    """Marks as seen."""

    mark = staticmethod(actions.see_up_to)
