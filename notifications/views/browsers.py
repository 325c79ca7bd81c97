"""The browsers that show one's notifications when the page is closed."""

from django.conf import settings
from rest_framework import generics
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from notifications import actions
from notifications.channels import keys
from notifications.models import PushSubscription
from notifications.serializers.browsers import BrowserSerializer


class BrowserList(generics.ListAPIView):
    """One's own browsers."""

    serializer_class = BrowserSerializer
    permission_classes = (IsAuthenticated,)

    def get_queryset(self):
        return PushSubscription.objects.filter(user=self.request.user)

    def post(self, request) -> Response:
        """Take a browser on; one that another user used here before is theirs no more."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        fields = serializer.validated_data
        browser = actions.add_browser(request.user, endpoint=fields["endpoint"], **fields["keys"])
        return Response(self.get_serializer(browser).data, status=201)


class BrowserDetail(generics.DestroyAPIView):
    """One of them."""

    permission_classes = (IsAuthenticated,)

    def get_queryset(self):
        return PushSubscription.objects.filter(user=self.request.user)


class WebPushKey(APIView):
    """The public key that a browser is told when it subscribes; null where there is no web push."""

    def get(self, request) -> Response:
        """Return it."""
        private = settings.TIDEWIRE_WEB_PUSH_PRIVATE_KEY
        return Response({"public_key": keys.public(private) if private else None})
