"""Who may only read."""

from django.http import Http404
from django.shortcuts import get_object_or_404
from rest_framework.response import Response
from rest_framework.views import APIView

from access import actions
from access.models import User
from access.permissions import MaySuspend
from access.serializers import SuspensionSerializer


class SuspensionDetail(APIView):
    """Whether a user is suspended."""

    permission_classes = (MaySuspend,)

    def get(self, request, user_id: int) -> Response:
        """Say since when, until when and why."""
        user = get_object_or_404(User, pk=user_id)
        if not user.is_suspended:
            raise Http404("This user is not suspended.")
        return Response(SuspensionSerializer(user).data)

    def put(self, request, user_id: int) -> Response:
        """Suspend the user; twice is once, with the last reason and end given."""
        asked = SuspensionSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        user = actions.suspend(get_object_or_404(User, pk=user_id), by=request.user, **asked.validated_data)
        return Response(SuspensionSerializer(user).data)

    def delete(self, request, user_id: int) -> Response:
        """Let them write again."""
        get_object_or_404(User, pk=user_id).end_suspension()
        return Response(status=204)
