"""The request that carries an event to an endpoint: its body, and headers signed for the moment of a try."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from cryptography.fernet import InvalidToken

from events import log
from events.encoding import encode
from events.models import Event
from webhooks import signing, vault
from webhooks.headers import HIDDEN, is_reserved
from webhooks.models import Endpoint

OURS = frozenset(("content-type", "webhook-id", "webhook-timestamp", "webhook-signature", "tidewire-attempt"))
# Where an endpoint's row, as it was read, keeps its letterhead.
KEPT = "_letterhead"
# Linux takes no longer argument of a program.
ARGUMENT_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What all messages to an endpoint have in common, decrypted once; keys of a rotation with the time they end."""

    content_type: str
    own: Mapping[str, str] = field(repr=False)
    signers: tuple[tuple[signing.Signer, datetime | None], ...] = field(repr=False)

    def headers(self, event_id: str, body: bytes, number: int, now: datetime) -> dict[str, str]:
        """Return the headers of try `number`, signed for this moment; the subscriber's own never replace ours."""
        seconds = str(int(now.timestamp()))
        signed = signing.content(event_id, seconds, body)
        return {
            **self.own,
            "content-type": self.content_type,
            "webhook-id": event_id,
            "webhook-timestamp": seconds,
            "webhook-signature": " ".join([sign(signed) for sign, end in self.signers if end is None or end > now]),
            "tidewire-attempt": str(number),
        }


def body_of(event: Event, epoch: str) -> bytes:
    """Return the event as every endpoint gets it, the same bytes at each try and for each content type."""
    return encode(log.as_cloud_event(event, epoch)).encode()


def headers(endpoint: Endpoint, event_id: str, body: bytes, number: int, now: datetime) -> dict[str, str]:
    """Return the headers of try `number` to an endpoint, signed for this moment."""
    return letterhead(endpoint).headers(event_id, body, number, now)


def letterhead(endpoint: Endpoint) -> Letterhead:
    """Return an endpoint's letterhead, which is looked up once for each row read; asks for retired keys alone."""
    known: Letterhead | None = vars(endpoint).get(KEPT)
    if known is None:
        known = vars(endpoint)[KEPT] = _looked_up(endpoint)
    return known


def _looked_up(endpoint: Endpoint) -> Letterhead:
    asymmetric = endpoint.signature == Endpoint.Signature.ASYMMETRIC
    current = endpoint.encrypted_private_key if asymmetric else endpoint.encrypted_secret
    retired = tuple((old.encrypted, old.expires_at) for old in endpoint.retired_secrets.all())
    return _letterhead(endpoint.content_type, current, retired, endpoint.encrypted_headers)


def stored_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of a try as they may be kept and shown: the values of the subscriber's own are hidden."""
    return {name: value if name in OURS else HIDDEN for name, value in headers.items()}


def base_string(headers: Mapping[str, str], body: bytes) -> str:
    """Return, for people who look for a mistake, the text whose bytes are signed."""
    return f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body.decode()}"


def as_curl(url: str, headers: Mapping[str, str], body: bytes) -> str:
    """Return the command that sends the same request from any POSIX shell."""
    text = shlex.quote(body.decode())
    # What is printed by the shell itself has no bound.
    printed = f"printf %s {text} | " if len(text) > ARGUMENT_MAX else ""
    given = "--data-binary @-" if printed else f"--data-raw {text}"
    told = [f"--header {shlex.quote(f'{name}: {value}')}" for name, value in headers.items()]
    # Without globoff curl reads brackets and braces in a URL as patterns.
    return printed + " \\\n  ".join([f"curl --globoff --request POST {shlex.quote(url)}", *told, given])


# By the encrypted texts: whatever is changed has others, so nothing outdated is ever found.
@lru_cache(maxsize=4096)
def _letterhead(
    content_type: str, current: str, retired: tuple[tuple[str, datetime], ...], encrypted_headers: str
) -> Letterhead:
    own = json.loads(vault.decrypt(encrypted_headers)) if encrypted_headers else {}
    old = [(_signer_if_readable(encrypted), end) for encrypted, end in retired]
    return Letterhead(
        content_type,
        {name: value for name, value in own.items() if not is_reserved(name)},
        ((signing.signer(vault.decrypt(current)), None), *((sign, end) for sign, end in old if sign)),
    )


def _signer_if_readable(encrypted: str) -> signing.Signer | None:
    # A retired key that is lost must not stop what the present one can sign.
    try:
        return signing.signer(vault.decrypt(encrypted))
    except InvalidToken:
        return None
