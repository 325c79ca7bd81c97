"""Who may do what with the API of `access`."""

from rest_framework.permissions import SAFE_METHODS, IsAuthenticated


class MaySuspend(IsAuthenticated):
    """Who lets others only read."""

    def has_permission(self, request, view) -> bool:
        """Say whether the request may go on."""
        return super().has_permission(request, view) and request.user.has_perm("access.suspend_user")


class StaffChanges(IsAuthenticated):
    """Everybody who is signed in may look; staff may change."""

    def has_permission(self, request, view) -> bool:
        """Say whether the request may go on."""
        may_look = super().has_permission(request, view)
        return may_look and (request.method in SAFE_METHODS or request.user.is_staff)
