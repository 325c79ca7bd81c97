"""One's own endpoints."""

import json
from contextlib import suppress

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.http import Http404, HttpRequest
from rest_framework import generics, status
from rest_framework.exceptions import Throttled
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response

from access import limits
from access.middleware import Conflict
from access.serializers import NoFields
from webhooks import actions, keys
from webhooks.models import Endpoint
from webhooks.serializers.endpoints import (
    EndpointSerializer,
    NewEndpointSerializer,
    RotationSerializer,
    checked_url,
    host_refusal,
)

NO_STORE = {"Cache-Control": "no-store"}


class Endpoints(generics.GenericAPIView):
    """A view on one's own endpoints."""

    serializer_class = EndpointSerializer
    permission_classes = (IsAuthenticated,)

    def get_queryset(self):
        """Return one's own endpoints."""
        return Endpoint.objects.filter(owner=self.request.user)

    def handle_exception(self, exc):
        """Answer for an endpoint that was deleted meanwhile as for one that never was."""
        return super().handle_exception(Http404() if isinstance(exc, Endpoint.DoesNotExist) else exc)

    def asked(self, serializer) -> dict:
        """Return what the request's body says, if it is valid."""
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data


class EndpointList(Endpoints, generics.ListAPIView):
    """One's endpoints, newest first."""

    @staticmethod
    def prepare(request: HttpRequest) -> None:
        """Ask name servers before a transaction begins; what is wrong with the request is said when it is read."""
        with suppress(ValueError, TypeError, LookupError, RecursionError):
            host = checked_url(json.loads(request.body)["url"]).host
            request.hosts_asked = {host: host_refusal(host)}

    def post(self, request) -> Response:
        """Make an endpoint; this answer holds its secret."""
        context = self.get_serializer_context() | {"hosts_asked": getattr(request, "hosts_asked", {})}
        fields = self.asked(NewEndpointSerializer(data=request.data, context=context))
        endpoint = actions.create_endpoint(request.user, **fields)
        answer = self.get_serializer(endpoint).data | {"secret": endpoint.secret}
        return _secretly(answer, status.HTTP_201_CREATED)


class EndpointDetail(Endpoints, generics.RetrieveDestroyAPIView):
    """One endpoint."""

    def patch(self, request, pk: int) -> Response:
        """Change it, pause it (`enabled: false`) or let it go on."""
        endpoint = self.get_object()
        fields = self.asked(self.get_serializer(endpoint, data=request.data, partial=True))
        return Response(self.get_serializer(actions.change_endpoint(endpoint, **fields)).data)


class EndpointSecret(Endpoints):
    """What verifies the signatures of an endpoint's messages."""

    def get(self, request, pk: int) -> Response:
        """Return the secret, and with `v1a` the public key."""
        endpoint = self.get_object()
        try:
            secret = endpoint.secret
        except InvalidToken:
            raise Conflict("The secret cannot be read any more, for the server has another key; rotate it.") from None
        return Response({"secret": secret, "public_key": keys.public_key(endpoint)}, headers=NO_STORE)


class EndpointRotation(Endpoints):
    """Gives an endpoint a new key."""

    serializer_class = RotationSerializer

    def post(self, request, pk: int) -> Response:
        """Rotate the key; this answer holds the new secret, or with `v1a` the new public key."""
        endpoint = self.get_object()
        endpoint = actions.rotate_secret(endpoint, **self.asked(self.get_serializer(data=request.data)))
        is_secret = endpoint.signature == Endpoint.Signature.SYMMETRIC
        answer = EndpointSerializer(endpoint).data | ({"secret": endpoint.secret} if is_secret else {})
        return _secretly(answer, status.HTTP_200_OK)


class EndpointTest(Endpoints):
    """Sends an endpoint a test."""

    serializer_class = NoFields

    def post(self, request, pk: int) -> Response:
        """Record a test event for this endpoint alone; its id is the `webhook-id` of the message."""
        endpoint = self.get_object()
        self.asked(self.get_serializer(data=request.data))
        limit = settings.TIDEWIRE_ENDPOINT_TESTS_PER_MINUTE
        if (wait := limits.within(f"tested.{endpoint.pk}", 1, limit)) is not None:
            raise Throttled(wait, "You have tested this endpoint too often within a minute.")
        try:
            event_id = actions.send_test(endpoint)
        except actions.NotEnabled as error:
            raise Conflict(str(error)) from None
        return Response({"id": str(event_id)}, status=status.HTTP_202_ACCEPTED)


def _secretly(answer: dict, code: int) -> Response:
    """Answer with a secret, which nobody keeps and no repeat shows."""
    response = Response(answer, status=code, headers=NO_STORE)
    response.holds_secret = True
    return response
