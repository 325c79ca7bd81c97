"""Where web push may go: a browser names the address, so only the known push services are called."""

from urllib.parse import urlsplit

from django.conf import settings


def check_endpoint(url: str) -> None:
    """Raise `ValueError` with a sentence unless the address is one of a push service that the settings allow.

    An entry is a host, for https alone; with a leading dot all hosts below it; with a scheme exactly that origin.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("This is not an address.") from None
    if parts.username is not None or parts.password is not None or not url.isascii() or not url.isprintable():
        raise ValueError("This is not the address of a push service.")
    if not any(_fits(entry, parts.scheme, host, port) for entry in settings.TIDEWIRE_WEB_PUSH_HOSTS):
        raise ValueError("This server does not send to that push service.")


def _fits(entry: str, scheme: str, host: str, port: int | None) -> bool:
    if "://" in entry:
        allowed = urlsplit(entry)
        return (allowed.scheme, allowed.hostname, allowed.port) == (scheme, host, port)
    if scheme != "https" or port not in (None, 443):
        return False
    return host.endswith(entry) if entry.startswith(".") else host == entry
