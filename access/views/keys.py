"""One's API keys."""

from rest_framework import generics, status
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response

from access import actions
from access.models import ApiKey
from access.serializers import KeySerializer


class Keys(generics.GenericAPIView):
    """A view on one's own keys."""

    serializer_class = KeySerializer
    permission_classes = (IsAuthenticated,)

    def get_queryset(self):
        """Return one's own keys, revoked ones too."""
        return ApiKey.objects.filter(user=self.request.user)


class KeyList(Keys, generics.ListAPIView):
    """One's keys, newest first."""

    def post(self, request) -> Response:
        """Make a key; this answer holds its text, which is shown once."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        text, key = actions.create_key(request.user, **serializer.validated_data)
        answer = self.get_serializer(key).data | {"key": text}
        response = Response(answer, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})
        response.holds_secret = True
        return response


class KeyDetail(Keys, generics.RetrieveDestroyAPIView):
    """One key."""

    def perform_destroy(self, key: ApiKey) -> None:
        """Revoke it; it stays in the list."""
        ApiKey.objects.filter(pk=key.pk).revoke()
