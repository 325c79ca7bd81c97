"""The public keys of endpoints that are signed for with `v1a`, for receivers: without signing in."""

from rest_framework.exceptions import NotFound
from rest_framework.generics import get_object_or_404
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from webhooks import keys
from webhooks.models import Endpoint

# A receiver that keeps the keys so long misses none: a new one signs beside the old one for hours.
CACHED = {"Cache-Control": "public, max-age=300"}


class EndpointKeys(APIView):
    """A JSON Web Key Set (RFC 7517) at `/.well-known/tidewire/webhooks/{id}/jwks.json`.

    It holds the ed25519 keys that sign what this endpoint is sent, the newest first, also those of a rotation that
    sign on; and nothing else about the endpoint. Other endpoints have none: 404.
    """

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def get(self, request, pk: int) -> Response:
        """Return the keys."""
        found = keys.jwks(get_object_or_404(Endpoint, pk=pk))
        if not found:
            raise NotFound
        return Response({"keys": found}, headers=CACHED)
