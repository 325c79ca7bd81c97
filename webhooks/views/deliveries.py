"""What is delivered to one's own endpoints."""

from rest_framework import generics, status
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response

from access.middleware import Conflict
from webhooks import actions, undelivered
from webhooks.models import Attempt, Delivery, Endpoint
from webhooks.serializers.deliveries import AttemptSerializer, DeliveryFilter, DeliverySerializer


class Deliveries:
    """A view on the deliveries to one's endpoints."""

    serializer_class = DeliverySerializer
    permission_classes = (IsAuthenticated,)

    def get_queryset(self):
        """Return the deliveries to one's own endpoints."""
        # As values, not as a join: with one the planner may walk everybody's deliveries for the few of one's own.
        return Delivery.objects.filter(endpoint__in=self.own_endpoints())

    def own_endpoints(self) -> list[int]:
        """Return the ids of one's own endpoints."""
        return list(Endpoint.objects.filter(owner=self.request.user).values_list("pk", flat=True))


class DeliveryList(Deliveries, generics.ListAPIView):
    """Deliveries, newest first, by status, endpoint, type and time."""

    def filter_queryset(self, queryset):
        """Keep what the parameters ask for."""
        asked = DeliveryFilter(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        if asked.validated_data.get("status") == DeliveryFilter.UNDELIVERED:
            return self._undelivered(**asked.validated_data)
        fields = {"status": "status", "endpoint": "endpoint", "type": "event_type", "since": "created_at__gte"}
        return queryset.filter(**{fields[name]: value for name, value in asked.validated_data.items()})

    def _undelivered(self, status: str, endpoint: int | None = None, **asked):
        """Return what the page that is asked for has, and one more: so the paginator knows of a next one."""
        own = self.own_endpoints()
        place = self.paginator.decode_cursor(self.request)
        count = self.paginator.get_page_size(self.request) + 1
        if place is not None:
            asked |= {"edge": place.position and int(place.position), "oldest_first": place.reverse}
            count += place.offset
        chosen = own if endpoint is None else set(own) & {endpoint}
        return Delivery.objects.filter(pk__in=undelivered.ids(chosen, limit=count, **asked))


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
        try:
            delivery = actions.resend(self.get_object())
        except actions.NotPossible as error:
            raise Conflict(str(error)) from None
        return Response(self.get_serializer(delivery).data, status=status.HTTP_202_ACCEPTED)
