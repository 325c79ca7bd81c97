"""What is delivered to one's own endpoints."""

from rest_framework import generics, status
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response

from webhooks import actions
from webhooks.models import Attempt, Delivery, Endpoint
from webhooks.serializers.deliveries import AttemptSerializer, DeliveryFilter, DeliverySerializer


class Deliveries:
    """A view on the deliveries to one's endpoints."""

    serializer_class = DeliverySerializer
    permission_classes = (IsAuthenticated,)

    def get_queryset(self):
        """Return the deliveries to one's own endpoints."""
        own = Endpoint.objects.filter(owner=self.request.user).values_list("pk", flat=True)
        # As values, not as a join: with one the planner may walk everybody's deliveries for the few of one's own.
        return Delivery.objects.filter(endpoint__in=list(own))


class DeliveryList(Deliveries, generics.ListAPIView):
    """Deliveries, newest first, by status, endpoint, type and time."""

    def filter_queryset(self, queryset):
        """Keep what the parameters ask for."""
        asked = DeliveryFilter(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        fields = {"status": "status", "endpoint": "endpoint", "type": "event_type", "since": "created_at__gte"}
        return queryset.filter(**{fields[name]: value for name, value in asked.validated_data.items()})


class DeliveryDetail(Deliveries, generics.RetrieveAPIView):
    """One delivery."""


class DeliveryAttempts(Deliveries, generics.ListAPIView):
    """The tries of a delivery, newest first."""

    serializer_class = AttemptSerializer

    def get_queryset(self):
        delivery = generics.get_object_or_404(super().get_queryset(), pk=self.kwargs["pk"])
        return Attempt.objects.filter(delivery=delivery)


class DeliveryResend(Deliveries, generics.GenericAPIView):
    """Sends a delivery once more."""

    def post(self, request, pk: int) -> Response:
        """Make it due now."""
        delivery = actions.resend(self.get_object())
        return Response(self.get_serializer(delivery).data, status=status.HTTP_202_ACCEPTED)
