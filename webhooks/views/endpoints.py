"""One's own endpoints."""

from rest_framework import generics, status
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response

from webhooks import actions
from webhooks.models import Endpoint
from webhooks.serializers.endpoints import EndpointSerializer


class EndpointList(generics.ListCreateAPIView):
    """One's endpoints."""

    serializer_class = EndpointSerializer
    permission_classes = (IsAuthenticated,)

    def get_queryset(self):
        return Endpoint.objects.filter(owner=self.request.user)

    def create(self, request, *args, **kwargs) -> Response:
        """Make an endpoint; this answer holds its secret."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        endpoint = actions.create_endpoint(request.user, **serializer.validated_data)
        answer = self.get_serializer(endpoint).data | {"secret": endpoint.secret}
        response = Response(answer, status=status.HTTP_201_CREATED)
        response.holds_secret = True
        return response


class EndpointDetail(generics.RetrieveDestroyAPIView):
    """One endpoint."""

    serializer_class = EndpointSerializer
    permission_classes = (IsAuthenticated,)

    def get_queryset(self):
        return Endpoint.objects.filter(owner=self.request.user)

    def patch(self, request, pk: int) -> Response:
        """Change it, pause it (`enabled: false`) or let it go on."""
        serializer = self.get_serializer(self.get_object(), data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        endpoint = actions.change_endpoint(serializer.instance, **serializer.validated_data)
        return Response(self.get_serializer(endpoint).data)


class EndpointSecret(generics.GenericAPIView):
    """The signing secret of an endpoint."""

    permission_classes = (IsAuthenticated,)

    def get_queryset(self):
        return Endpoint.objects.filter(owner=self.request.user)

    def get(self, request, pk: int) -> Response:
        """Return the secret."""
        return Response({"secret": self.get_object().secret}, headers={"Cache-Control": "no-store"})
