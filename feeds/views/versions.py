"""ETags: what was read is known again, and an edit of what has changed meanwhile is refused."""

import hashlib

from django.utils.http import parse_etags
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.renderers import JSONRenderer


class PreconditionFailed(APIException):
    """The object is not as the caller has seen it."""

    status_code = 412
    default_detail = "It has changed since you read it: read it again."


def etag_of(data: dict) -> str:
    """Return the tag of one object as this viewer sees it: its version, and a digest of all that is shown."""
    return f'"{data["version"]}-{hashlib.sha256(JSONRenderer().render(data)).hexdigest()[:16]}"'


def check_version(request, row) -> None:
    """Raise `PreconditionFailed` unless `If-Match`, where there is one, names a version that knows what was written.

    A tag begins with the version, and the version alone will do: who is kept up to date by events has nothing else.
    What was only counted since then makes no difference: an edit writes no counts.
    """
    asked = request.headers.get("If-Match")
    if asked is None:
        return
    tags = parse_etags(asked)
    if not tags:
        raise ValidationError({"If-Match": "Give the ETag, in quotes, or *."})
    written = getattr(row, "written", row.version)
    if tags != ["*"] and not any(written <= _version(tag) <= row.version for tag in tags):
        raise PreconditionFailed


def _version(tag: str) -> int:
    """Return the version that a tag begins with, or 0."""
    # A proxy that compresses makes tags weak; the version is as good in those.
    number = tag.removeprefix("W/").strip('"').partition("-")[0]
    return int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0


class Versioned:
    """A view whose answers that are one object carry its ETag."""

    def finalize_response(self, request, response, *args, **kwargs):
        """Add the tag; the middleware answers 304 by it."""
        response = super().finalize_response(request, response, *args, **kwargs)
        data = getattr(response, "data", None)
        if response.status_code < 300 and isinstance(data, dict) and "version" in data:
            response["ETag"] = etag_of(data)
        return response
