"""Who calls the REST API: the holder of a key, or the user of the session."""

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed

from access import keys


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer tw_…`; a key that opens nothing is an error, never an anonymous call."""

    def authenticate(self, request):
        """Return the key's user and the key, or None when there is no such header."""
        text = keys.bearer(request.headers.get("Authorization", ""))
        if text is None:
            return None
        key = keys.find(text)
        if key is None:
            raise AuthenticationFailed("This key is unknown, expired or revoked.")
        return key.user, key

    def authenticate_header(self, request) -> str:
        """Name the scheme, so that the answer is 401 and says how to come in."""
        return 'Bearer realm="tidewire"'
