"""Standard Webhooks 1.0: secrets, and signatures that any of its libraries can check."""

import base64
import binascii
import hashlib
import hmac
import re
import secrets as random
from collections.abc import Callable, Mapping, Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SECRET, PRIVATE_KEY, PUBLIC_KEY = "whsec_", "whsk_", "whpk_"

# Signs what `content` returns, and returns one signature with its version.
Signer = Callable[[bytes], str]

_MESSAGE_ID = re.compile(r"[!-\-/-~]+")  # visible ASCII without the dot, which parts the signed fields
_TIMESTAMP = re.compile(r"0|[1-9][0-9]{0,11}")


class SignatureError(ValueError):
    """Says in a sentence why a message is not trusted or cannot be signed; never holds key material."""


def new_secret() -> str:
    """Returns a fresh symmetric secret, known to sender and receiver."""
    return SECRET + _base64(random.token_bytes(32))


def new_private_key() -> str:
    """Returns a fresh ed25519 key of the sender's, for receivers who must not be able to sign."""
    key = Ed25519PrivateKey.generate()
    return PRIVATE_KEY + _base64(key.private_bytes_raw() + key.public_key().public_bytes_raw())


def public_key(private_key: str) -> str:
    """Returns the half of the key that the receiver may know."""
    return PUBLIC_KEY + _base64(_private(private_key).public_key().public_bytes_raw())


def given_secret(text: str) -> str:
    """Returns a symmetric secret of somebody else's making in the one spelling that every library reads."""
    if not text.startswith(SECRET):
        raise SignatureError(f"A secret begins with {SECRET}.")
    return SECRET + _base64(_symmetric(text))


def jwk(key: str) -> dict[str, str]:
    """Returns the public half of an ed25519 key as a JSON Web Key, named by its thumbprint (RFC 8037, RFC 7638)."""
    known = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(_public(key).public_bytes_raw())}
    # The thumbprint is of these members alone, in this order and without spaces.
    named = '{{"crv":"{crv}","kty":"{kty}","x":"{x}"}}'.format(**known)
    return {**known, "kid": _base64url(hashlib.sha256(named.encode()).digest()), "use": "sig", "alg": "EdDSA"}


def sign(message_id: str, timestamp: int, body: bytes, secrets: Sequence[str]) -> str:
    """Returns the `webhook-signature` header, one signature for each secret."""
    if not secrets:
        raise SignatureError("There is no secret to sign with.")
    signed = content(message_id, str(timestamp), body)
    return " ".join(signer(secret)(signed) for secret in secrets)


def signer(secret: str) -> Signer:
    """Returns what signs with this key, which is read once for many messages."""
    if secret.startswith(PUBLIC_KEY):
        raise SignatureError("A public key cannot sign.")
    if secret.startswith(PRIVATE_KEY):
        private = _private(secret)
        return lambda signed: "v1a," + _base64(private.sign(signed))
    symmetric = _symmetric(secret)
    return lambda signed: "v1," + _base64(hmac.digest(symmetric, signed, "sha256"))


def content(message_id: str, timestamp: str, body: bytes) -> bytes:
    """Returns the bytes that are signed."""
    if not _MESSAGE_ID.fullmatch(message_id):
        raise SignatureError("The message id must be visible ASCII characters without a dot.")
    if not _TIMESTAMP.fullmatch(timestamp):
        raise SignatureError("The timestamp must be whole Unix seconds.")
    return f"{message_id}.{timestamp}.".encode() + body


def verify(
    headers: Mapping[str, str], body: bytes, keys: Sequence[str], *, now: float, tolerance_seconds: int = 300
) -> str:
    """Returns the message's id when one of the keys signed it in time, else raises SignatureError."""
    given = {name.lower(): value for name, value in headers.items()}
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        if not given.get(name):
            raise SignatureError(f"The header {name} is missing.")
    signed = content(given["webhook-id"], given["webhook-timestamp"], body)
    if abs(now - int(given["webhook-timestamp"])) > tolerance_seconds:
        raise SignatureError("The timestamp is too far from now.")
    signatures = given["webhook-signature"].split()
    if not any(_matches(key, signed, signature) for key in keys for signature in signatures):
        raise SignatureError("No signature matches.")
    return given["webhook-id"]


def _matches(key: str, signed: bytes, signature: str) -> bool:
    if key.startswith((PUBLIC_KEY, PRIVATE_KEY)):
        return _matches_ed25519(_public(key), signed, signature)
    return hmac.compare_digest(signer(key)(signed).encode(), signature.encode("utf-8", "replace"))


def _matches_ed25519(key: Ed25519PublicKey, signed: bytes, signature: str) -> bool:
    version, _, encoded = signature.partition(",")
    if version != "v1a":
        return False
    try:
        key.verify(base64.b64decode(encoded, validate=True), signed)
    except (InvalidSignature, ValueError):
        return False
    return True


def _symmetric(secret: str) -> bytes:
    # The reference libraries take a secret without its prefix as base64 too.
    key = _decode(secret.removeprefix(SECRET))
    if not 24 <= len(key) <= 64:
        raise SignatureError("A secret must have 24 to 64 bytes.")
    return key


def _private(secret: str) -> Ed25519PrivateKey:
    seed_and_public = _decode(secret.removeprefix(PRIVATE_KEY))
    if len(seed_and_public) not in (32, 64):
        raise SignatureError("A private key must have 32 bytes, or 64 with its public half.")
    key = Ed25519PrivateKey.from_private_bytes(seed_and_public[:32])
    if seed_and_public[32:] not in (b"", key.public_key().public_bytes_raw()):
        raise SignatureError("The two halves of the private key do not belong together.")
    return key


def _public(key: str) -> Ed25519PublicKey:
    if key.startswith(PRIVATE_KEY):
        return _private(key).public_key()
    raw = _decode(key.removeprefix(PUBLIC_KEY))
    if len(raw) != 32:
        raise SignatureError("A public key must have 32 bytes.")
    return Ed25519PublicKey.from_public_bytes(raw)


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        # Without "from None" the traceback in a log could show the key.
        raise SignatureError("A key is not valid base64.") from None
