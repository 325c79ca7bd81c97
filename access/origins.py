"""Where a connection comes from: the page that opened it, and the address, as far as either can be believed."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host
from django.utils.http import is_same_domain

Headers = Mapping[bytes, str]


def is_own(origin: str, host: str, *, is_secure: bool) -> bool:
    """Say whether a page of this origin is ours, served by this host, or one of those that are trusted."""
    domain, _ = split_domain_port(host)
    own = f"{'https' if is_secure else 'http'}://{host}"
    return (origin == own and validate_host(domain, settings.ALLOWED_HOSTS)) or _is_trusted(origin)


def _is_trusted(origin: str) -> bool:
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    try:
        asked = urlsplit(origin)
    except ValueError:
        return False
    wild = [urlsplit(each) for each in settings.CSRF_TRUSTED_ORIGINS if "*" in each]
    return any(
        asked.scheme == each.scheme and is_same_domain(asked.netloc, each.netloc.removeprefix("*")) for each in wild
    )


def is_secure(scheme: str, headers: Headers) -> bool:
    """Say whether the client speaks TLS, to us or to the proxy that is ours."""
    if settings.SECURE_PROXY_SSL_HEADER:
        name, secure = settings.SECURE_PROXY_SSL_HEADER
        value = headers.get(name.removeprefix("HTTP_").replace("_", "-").lower().encode())
        if value is not None:
            return value.split(",")[0].strip() == secure
    return scheme in ("https", "wss")


def address(client: tuple[str, int] | None, headers: Headers) -> str:
    """Return the client's address: with a proxy of ours in front, the one that it saw."""
    forwarded = headers.get(b"x-forwarded-for", "") if settings.TIDEWIRE_BEHIND_PROXY else ""
    return forwarded.split(",")[-1].strip() or (client[0] if client else "")
