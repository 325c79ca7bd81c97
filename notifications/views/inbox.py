"""The notifications API: one's own inbox and nobody else's."""

from rest_framework import generics
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from notifications import actions
from notifications.models import Inbox, Notification
from notifications.serializers import NotificationSerializer, UpTo


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


class NotificationDetail(generics.GenericAPIView):
    """One notification."""

    serializer_class = NotificationSerializer
    permission_classes = (IsAuthenticated,)

    def get_queryset(self):
        return Notification.objects.filter(recipient=self.request.user).select_related("actor")

    def get(self, request, pk: int) -> Response:
        """Return it."""
        return Response(self.get_serializer(self.get_object()).data)

    def patch(self, request, pk: int) -> Response:
        """Mark it as read or unread, put it away or take it back."""
        notification = self.get_object()
        serializer = self.get_serializer(notification, data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response(self.get_serializer(actions.change(notification, **serializer.validated_data)).data)


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
