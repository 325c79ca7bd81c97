"""Tickets for the live side, by which a page of another origin comes in."""

from rest_framework import status
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from access import tickets
from access.models import ApiKey
from access.serializers import NoFields
from events.encoding import timestamp


class TicketView(APIView):
    """Makes tickets."""

    permission_classes = (IsAuthenticated,)

    def post(self, request) -> Response:
        """Return a ticket for one connection within a minute, as good as the credential of this request."""
        NoFields(data=request.data).is_valid(raise_exception=True)
        text, ticket = tickets.make(request.user, **_made_from(request))
        answer = {"ticket": text, "expires_at": timestamp(ticket.expires_at)}
        response = Response(answer, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})
        response.holds_secret = True
        return response


def _made_from(request) -> dict:
    if isinstance(request.auth, ApiKey):
        return {"api_key": request.auth}
    return {"session_key": request.session.session_key}
