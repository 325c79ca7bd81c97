"""Following a feed, and who follows one's own."""

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import generics, status
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from access.serializers import NoFields
from feeds import actions
from feeds.models import Follow
from feeds.serializers import FollowingSerializer, FollowSerializer
from feeds.views.feeds import visible_feed


class FeedFollow(APIView):
    """Whether one follows a feed."""

    permission_classes = (IsAuthenticated,)

    def put(self, request, pk: int) -> Response:
        """Follow the feed, and say whether to be notified of what is new; twice is once."""
        asked = FollowingSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        follow = actions.follow_feed(visible_feed(self), by=request.user, **asked.validated_data)
        return Response({"following": follow.is_accepted, "state": follow.state})

    def delete(self, request, pk: int) -> Response:
        """Follow it no more, or take the request back."""
        actions.unfollow_feed(visible_feed(self), by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class FollowList(generics.ListAPIView):
    """Who has to do with a feed of one's own, newest first."""

    serializer_class = FollowSerializer
    permission_classes = (IsAuthenticated,)

    def follows(self):
        """Return the follows of the feed, which must be one's own."""
        feed = visible_feed(self)
        if feed.owner_id != self.request.user.pk:
            raise PermissionDenied("Only its owner sees who follows a feed.")
        return feed.follows


class FeedRequests(FollowList):
    """The requests to follow a feed that wait for its owner's answer."""

    def get_queryset(self):
        return self.follows().pending()


class FeedFollowers(FollowList):
    """The followers of a feed."""

    def get_queryset(self):
        return self.follows().accepted()


class FeedRequest(APIView):
    """One request to follow a feed of one's own."""

    permission_classes = (IsAuthenticated,)

    def put(self, request, pk: int, user_id: int) -> Response:
        """Accept it; twice is once."""
        NoFields(data=request.data).is_valid(raise_exception=True)
        try:
            follow = actions.accept_request(visible_feed(self), user_id, by=request.user)
        except Follow.DoesNotExist:
            raise Http404("This user has not asked to follow the feed.") from None
        return Response(FollowSerializer(follow).data)

    def delete(self, request, pk: int, user_id: int) -> Response:
        """Decline it."""
        actions.decline_request(visible_feed(self), user_id, by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class FeedFollower(APIView):
    """One follower of a feed of one's own."""

    permission_classes = (IsAuthenticated,)

    def delete(self, request, pk: int, user_id: int) -> Response:
        """Remove them."""
        actions.remove_follower(visible_feed(self), user_id, by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)
