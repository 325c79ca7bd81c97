"""Who may change what in feeds; who may read what is decided by the querysets."""

from rest_framework.permissions import SAFE_METHODS, BasePermission, IsAuthenticated


class IsOwnerOrReadOnly(BasePermission):
    """A feed is its owner's, an entry or comment its author's; the owner of a feed may delete what stands in it."""

    def has_object_permission(self, request, view, obj) -> bool:
        """Allow reading to all who found the object, changing to those it belongs to."""
        if request.method in SAFE_METHODS:
            return True
        if request.method == "DELETE" and request.user.pk in view.may_delete(obj):
            return True
        return request.user.pk == view.belongs_to(obj)


class MayModerate(IsAuthenticated):
    """Who decides reports and hides what is said."""

    def has_permission(self, request, view) -> bool:
        """Say whether the request may go on."""
        return super().has_permission(request, view) and request.user.has_perm("feeds.moderate")
