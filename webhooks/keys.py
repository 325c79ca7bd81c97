"""The keys that an endpoint's messages are signed with: rotated with an overlap, published, encrypted anew."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

from cryptography.fernet import InvalidToken
from django.db import models, transaction
from django.utils import timezone

from webhooks import signing, vault
from webhooks.models import Endpoint, RetiredSecret

logger = logging.getLogger(__name__)

OVERLAP = timedelta(hours=24)
RETIRED_MAX = 10
CHUNK = 500
KEY_COLUMNS = ["signature", "encrypted_secret", "encrypted_private_key"]
ENCRYPTED = {
    Endpoint: ("encrypted_secret", "encrypted_private_key", "encrypted_headers"),
    RetiredSecret: ("encrypted",),
}


class Renewal(NamedTuple):
    """What became of texts that may be under an earlier secret key."""

    renewed: int
    lost: int


def rotate(endpoint: Endpoint, overlap: timedelta, secret: str = "") -> None:
    """Give an endpoint, whose row is held, a new key; the old one signs on for a while, with none no old one does."""
    old = _encrypted_key(endpoint)
    if endpoint.signature == Endpoint.Signature.ASYMMETRIC:
        endpoint.private_key = signing.new_private_key()
    else:
        endpoint.secret = secret or signing.new_secret()
    endpoint.save(update_fields=KEY_COLUMNS)
    _retire(endpoint, old, overlap)


def switch(endpoint: Endpoint, signature: str) -> None:
    """Let an endpoint, whose row is held, sign in another way; the key of the old way signs on as after a rotation."""
    old = _encrypted_key(endpoint)
    endpoint.signature = signature
    if signature == Endpoint.Signature.ASYMMETRIC and not endpoint.encrypted_private_key:
        endpoint.private_key = signing.new_private_key()
    endpoint.save(update_fields=KEY_COLUMNS)
    _retire(endpoint, old, OVERLAP)


def public_key(endpoint: Endpoint) -> str | None:
    """Return what verifies an endpoint's messages without being able to sign any, None where a shared secret does."""
    if endpoint.signature != Endpoint.Signature.ASYMMETRIC or not endpoint.encrypted_private_key:
        return None
    private = _read(endpoint.encrypted_private_key)
    return private and signing.public_key(private)


def jwks(endpoint: Endpoint) -> list[dict[str, str]]:
    """Return the public keys that verify what an endpoint is sent now, the newest first."""
    valid = endpoint.retired_secrets.filter(expires_at__gt=timezone.now())
    keys = [_read(text) for text in (_encrypted_key(endpoint), *valid.values_list("encrypted", flat=True))]
    return [signing.jwk(key) for key in keys if key and key.startswith(signing.PRIVATE_KEY)]


def forget_retired() -> int:
    """Delete the keys that sign no more; return how many."""
    over = RetiredSecret.objects.filter(expires_at__lte=timezone.now()).order_by("expires_at")
    forgotten = 0
    while pks := list(over.values_list("pk", flat=True)[:CHUNK]):
        forgotten += RetiredSecret.objects.filter(pk__in=pks).delete()[0]
    return forgotten


def encrypt_anew() -> Renewal:
    """Bring all that is under an earlier secret key under the present one, so that the earlier one can be let go.

    Safe beside a running server and to be repeated. What no known key reads is counted as lost and left as it is.
    """
    renewals = [_renew(row, names) for model, names in ENCRYPTED.items() for row in _each(model)]
    return Renewal(sum(each.renewed for each in renewals), sum(each.lost for each in renewals))


def _encrypted_key(endpoint: Endpoint) -> str:
    asymmetric = endpoint.signature == Endpoint.Signature.ASYMMETRIC
    return endpoint.encrypted_private_key if asymmetric else endpoint.encrypted_secret


def _read(encrypted: str) -> str | None:
    try:
        return vault.decrypt(encrypted)
    except InvalidToken:
        # The server's secret key is another one by now: a new key heals the endpoint.
        logger.error("A key of a webhook endpoint cannot be decrypted with the present secret keys.")
        return None


def _retire(endpoint: Endpoint, encrypted: str, overlap: timedelta) -> None:
    retired, now = endpoint.retired_secrets, timezone.now()
    retired.filter(expires_at__lte=now).delete()
    if not overlap:
        retired.all().delete()
    elif _read(encrypted):
        retired.create(encrypted=encrypted, expires_at=now + overlap)
    current = _read(_encrypted_key(endpoint))
    # One that is in use again signs once.
    again = [old.pk for old in retired.all() if _read(old.encrypted) in (current, None)]
    retired.filter(pk__in=again).delete()
    retired.filter(pk__in=list(retired.values_list("pk", flat=True)[RETIRED_MAX:])).delete()


def _each(model: type[models.Model]) -> Iterator[models.Model]:
    """Yield every row, held while it is looked at, some hundred in a transaction."""
    after = 0
    while True:
        with transaction.atomic():
            rows = list(model._default_manager.select_for_update().filter(pk__gt=after).order_by("pk")[:CHUNK])
            yield from rows
        if not rows:
            return
        after = rows[-1].pk


def _renew(row: models.Model, names: tuple[str, ...]) -> Renewal:
    renewed: dict[str, str] = {}
    lost = 0
    for name, before in ((name, getattr(row, name)) for name in names if getattr(row, name)):
        try:
            after = vault.renew(before)
        except InvalidToken:
            lost += 1
            continue
        if after != before:
            renewed[name] = after
    if renewed:
        type(row)._default_manager.filter(pk=row.pk).update(**renewed)
    return Renewal(len(renewed), lost)
