"""Who calls the REST API: the holder of a key, or the user of the session."""

from django.conf import settings
from django.core.exceptions import PermissionDenied
from rest_framework import authentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.exceptions import PermissionDenied as Forbidden
from rest_framework.permissions import SAFE_METHODS

from access import keys


def _writing(request, user) -> None:
    """Refuse every change by a suspended user but those that concern nobody else."""
    if request.method in SAFE_METHODS or request.path.startswith(settings.TIDEWIRE_OPEN_TO_SUSPENDED_PATHS):
        return
    try:
        user.check_may_write()
    except PermissionDenied as error:
        raise Forbidden(str(error)) from None


class SessionAuthentication(authentication.SessionAuthentication):
    """The user of the session."""

    def authenticate(self, request):
        """Return the session's user, or None."""
        found = super().authenticate(request)
        if found is not None:
            _writing(request, found[0])
        return found


class KeyAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer tw_…`; a key that opens nothing is an error, never an anonymous call."""

    def authenticate(self, request):
        """Return the key's user and the key, or None when there is no such header."""
        text = keys.bearer(request.headers.get("Authorization", ""))
        if text is None:
            return None
        key = keys.find(text)
        if key is None:
            raise AuthenticationFailed("This key is unknown, expired or revoked.")
        _writing(request, key.user)
        return key.user, key

    def authenticate_header(self, request) -> str:
        """Name the scheme, so that the answer is 401 and says how to come in."""
        return 'Bearer realm="tidewire"'
