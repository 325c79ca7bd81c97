"""Browsers that show web push messages, as the API takes and gives them."""

import base64
import binascii
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from rest_framework import serializers

from access.serializers import StrictSerializer
from events.encoding import timestamp
from notifications.channels.push_services import check_endpoint
from notifications.models import PushSubscription


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise serializers.ValidationError("This is not base64url.") from None


def check_key(text: str) -> None:
    """Check that this is a point on the curve, as every browser's key is."""
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _bytes(text))
    except ValueError:
        raise serializers.ValidationError("This is not a P-256 public key.") from None


def check_secret(text: str) -> None:
    """Check that this is a secret of 16 bytes."""
    if len(_bytes(text)) != 16:
        raise serializers.ValidationError("This is not a secret of 16 bytes.")


class Keys(StrictSerializer):
    """What a message is encrypted with."""

    p256dh = serializers.CharField(max_length=100, validators=[check_key])
    auth = serializers.CharField(max_length=50, validators=[check_secret])


class BrowserSerializer(StrictSerializer):
    """What a browser's `PushSubscription.toJSON()` gives."""

    endpoint = serializers.CharField(max_length=500)
    keys = Keys()
    # What browsers send along; it has been null since there is web push.
    expirationTime = serializers.IntegerField(required=False, allow_null=True)

    def validate_endpoint(self, url: str) -> str:
        """Check that it is an address that this server may call."""
        try:
            check_endpoint(url)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from None
        return url

    def to_representation(self, browser: PushSubscription) -> dict[str, Any]:
        """Return the browser without its keys."""
        made = timestamp(browser.created_at)
        return {"id": browser.pk, "endpoint": browser.endpoint, "created_at": made}
