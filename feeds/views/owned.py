"""What the views on one object that belongs to somebody have in common."""

from django.db import transaction
from django.http import Http404
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import IsAuthenticatedOrReadOnly
from rest_framework.response import Response

from feeds.permissions import IsOwnerOrReadOnly
from feeds.views.versions import Versioned, check_version


class Owned(Versioned):
    """A view on one object that belongs to somebody."""

    permission_classes = (IsAuthenticatedOrReadOnly, IsOwnerOrReadOnly)
    # Changes are partial: PATCH, never PUT.
    http_method_names = ("get", "head", "options", "patch", "delete")

    def may_delete(self, obj) -> set[int]:
        """Return the ids of the users who may delete it."""
        return {self.belongs_to(obj)}

    def patch(self, request, *args, **kwargs) -> Response:
        """Change the fields given, at least one, and return the whole."""
        row = self.get_object()
        serializer = self.get_serializer(row, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        if not serializer.validated_data:
            raise ValidationError("Name at least one field to change.")
        with transaction.atomic():
            self.lock_as_asked(row)
            for name, value in serializer.validated_data.items():
                setattr(row, name, value)
            self.perform_update(row)
        return Response(serializer.data)

    def delete(self, request, *args, **kwargs) -> Response:
        """Delete it."""
        row = self.get_object()
        with transaction.atomic():
            self.lock_as_asked(row)
            self.perform_destroy(row)
        return Response(status=204)

    def lock_as_asked(self, row) -> None:
        """Lock the row, which must still be there and as the request says that it knows it, if it says so."""
        try:
            row.lock()
        except row.DoesNotExist:
            raise Http404 from None
        if not self.is_there(row):
            raise Http404
        check_version(self.request, row)

    def is_there(self, row) -> bool:
        """Say whether the row, which is locked, is still there to be changed."""
        return True

    def perform_update(self, row) -> None:
        """Write what has changed."""
        row.save()
