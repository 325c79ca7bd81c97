"""Grants: staff give and end them, others see their own."""

from rest_framework import generics, status
from rest_framework.response import Response

from access import actions
from access.models import Grant
from access.permissions import StaffChanges
from access.serializers import GrantSerializer


class Grants(generics.GenericAPIView):
    """A view on the grants that one may see."""

    serializer_class = GrantSerializer
    permission_classes = (StaffChanges,)

    def get_queryset(self):
        """Return all grants for staff, else those of the user and of their applications."""
        rows = Grant.objects.select_related("user", "application__owner", "granted_by")
        return rows if self.request.user.is_staff else rows.seen_by(self.request.user)


class GrantList(Grants, generics.ListAPIView):
    """Grants, newest first, also those that have ended."""

    def post(self, request) -> Response:
        """Give a right."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        grant = actions.create_grant(by=request.user, **serializer.validated_data)
        return Response(self.get_serializer(grant).data, status=status.HTTP_201_CREATED)


class GrantDetail(Grants, generics.RetrieveDestroyAPIView):
    """One grant."""

    def perform_destroy(self, grant: Grant) -> None:
        """Revoke it; it stays in the list."""
        Grant.objects.filter(pk=grant.pk).revoke()
