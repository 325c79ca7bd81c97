"""What the views on one object that belongs to somebody have in common."""

from rest_framework.exceptions import ValidationError
from rest_framework.permissions import IsAuthenticatedOrReadOnly
from rest_framework.response import Response

from feeds.permissions import IsOwnerOrReadOnly


class Owned:
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
        for name, value in serializer.validated_data.items():
            setattr(row, name, value)
        self.perform_update(row)
        return Response(serializer.data)

    def perform_update(self, row) -> None:
        """Write what has changed."""
        row.save()
