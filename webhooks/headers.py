"""The headers of a subscriber's own that go along with every message: which may be set, and how they are shown."""

import re
from collections.abc import Mapping
from typing import Any

from cryptography.fernet import InvalidToken

from webhooks.models import Endpoint

MAX_COUNT = 20
MAX_TOTAL = 8000
# What stands for a value in all that is shown or stored; given back, it keeps the value that is there.
HIDDEN = "***"

# What frames the message or names its sender is ours, and so is what proxies and browsers say. Clouds' metadata
# services ask for a header of theirs, so that nobody is led to them unawares.
RESERVED = frozenset(
    (
        *("accept-encoding", "connection", "cookie", "cookie2", "date", "expect", "forwarded", "host"),
        *("http2-settings", "keep-alive", "metadata", "metadata-flavor", "origin", "referer", "set-cookie", "te"),
        *("trailer", "transfer-encoding", "upgrade", "user-agent", "via"),
        *("true-client-ip", "x-client-ip", "x-cluster-client-ip", "x-host", "x-original-host", "x-real-ip"),
        *("x-http-method", "x-http-method-override", "x-method-override", "x-original-url", "x-rewrite-url"),
    )
)
RESERVED_PREFIXES = (
    *("access-control-", "content-", "proxy-", "sec-", "tidewire-", "webhook-", "x-aws-ec2-metadata-", "x-forwarded-"),
)

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_VALUE = re.compile(r"[!-~](?:[ -~]{0,998}[!-~])?")


def check(headers: Mapping[str, Any]) -> None:
    """Raise `ValueError`, with a sentence that says why, for what cannot be sent along."""
    if len(headers) > MAX_COUNT:
        raise ValueError(f"At most {MAX_COUNT} headers can be set.")
    for name, value in headers.items():
        _check_one(name, value)
    if len({name.lower() for name in headers}) < len(headers):
        raise ValueError("A header is named twice: upper and lower case are the same.")
    if sum(len(name) + len(value) for name, value in headers.items()) > MAX_TOTAL:
        raise ValueError(f"All names and values together have at most {MAX_TOTAL} characters.")


def stored(endpoint: Endpoint) -> dict[str, str]:
    """Return an endpoint's own headers; none where the secret key that they were encrypted with is lost."""
    try:
        return endpoint.headers
    except InvalidToken:
        return {}


def is_reserved(name: str) -> bool:
    """Say whether a header of this name is not the subscriber's to set."""
    return name.lower() in RESERVED or name.lower().startswith(RESERVED_PREFIXES)


def hide(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the names, their values hidden."""
    return dict.fromkeys(headers, HIDDEN)


def merge(given: Mapping[str, str], before: Mapping[str, str]) -> dict[str, str]:
    """Return what was given, each hidden value replaced by the stored one; raises `ValueError` where none is stored."""
    known = {name.lower(): value for name, value in before.items()}
    if unknown := [name for name, value in given.items() if value == HIDDEN and name.lower() not in known]:
        raise ValueError(f"{unknown[0]}: {HIDDEN} keeps a value that is stored, and there is none.")
    merged = {name: known[name.lower()] if value == HIDDEN else value for name, value in given.items()}
    check(merged)
    return merged


def _check_one(name: str, value: Any) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name[:100]!r} is not a header's name: letters, digits and dashes, at most 100.")
    if is_reserved(name):
        raise ValueError(f"{name} is not yours to set.")
    if not isinstance(value, str) or not _VALUE.fullmatch(value):
        raise ValueError(f"{name}: a value is a text of 1 to 1000 visible ASCII characters, with spaces only between.")
