"""Whom one blocks or mutes."""

from django.shortcuts import get_object_or_404
from rest_framework import generics
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from access import actions
from access.models import User
from access.serializers import BlockSerializer, MuteSerializer


class BlockList(generics.ListAPIView):
    """Whom one blocks, newest first."""

    serializer_class = BlockSerializer
    permission_classes = (IsAuthenticated,)

    def get_queryset(self):
        return self.request.user.blocks.select_related("blocked")


class BlockDetail(APIView):
    """Whether one blocks a user."""

    permission_classes = (IsAuthenticated,)

    def put(self, request, user_id: int) -> Response:
        """Block the user; twice is once."""
        BlockSerializer(data=request.data).is_valid(raise_exception=True)
        block = actions.block(request.user, get_object_or_404(User, pk=user_id))
        return Response(BlockSerializer(block).data)

    def delete(self, request, user_id: int) -> Response:
        """Block them no more."""
        actions.unblock(request.user, user_id)
        return Response(status=204)


class MuteList(generics.ListAPIView):
    """Whom one mutes now, newest first."""

    serializer_class = MuteSerializer
    permission_classes = (IsAuthenticated,)

    def get_queryset(self):
        return self.request.user.mutes.active().select_related("muted")


class MuteDetail(APIView):
    """Whether one mutes a user."""

    permission_classes = (IsAuthenticated,)

    def put(self, request, user_id: int) -> Response:
        """Mute the user, for good or until a time; twice is once, with the last time given."""
        asked = MuteSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        mute = actions.mute(request.user, get_object_or_404(User, pk=user_id), **asked.validated_data)
        return Response(MuteSerializer(mute).data)

    def delete(self, request, user_id: int) -> Response:
        """Mute them no more."""
        actions.unmute(request.user, user_id)
        return Response(status=204)
