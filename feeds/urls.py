"""The paths of `feeds`: REST, and its pages."""

from django.urls import path

from feeds import pages
from feeds.views import comments, entries, feeds, follows, timeline

urlpatterns = [
    path("feeds/", feeds.FeedList.as_view(), name="feeds"),
    path("feeds/<int:pk>/", feeds.FeedDetail.as_view(), name="feed"),
    path("feeds/<int:pk>/follow/", follows.FeedFollow.as_view(), name="feed-follow"),
    path("feeds/<int:pk>/requests/", follows.FeedRequests.as_view(), name="feed-requests"),
    path("feeds/<int:pk>/requests/<int:user_id>/", follows.FeedRequest.as_view(), name="feed-request"),
    path("feeds/<int:pk>/followers/", follows.FeedFollowers.as_view(), name="feed-followers"),
    path("feeds/<int:pk>/followers/<int:user_id>/", follows.FeedFollower.as_view(), name="feed-follower"),
    path("feeds/<int:pk>/entries/", entries.FeedEntries.as_view(), name="feed-entries"),
    path("entries/<int:pk>/", entries.EntryDetail.as_view(), name="entry"),
    path("entries/<int:pk>/like/", entries.EntryLike.as_view(), name="entry-like"),
    path("entries/<int:pk>/comments/", comments.EntryComments.as_view(), name="entry-comments"),
    path("comments/<int:pk>/", comments.CommentDetail.as_view(), name="comment"),
    path("timeline/", timeline.Timeline.as_view(), name="timeline"),
]

page_urlpatterns = [
    path("", pages.home, name="home"),
    path("feeds/<str:slug>/", pages.feed, name="feed-page"),
    path("feeds/<str:slug>/follow/", pages.follow, name="feed-follow-page"),
    path("feeds/<str:slug>/followers/<int:user_id>/", pages.answer, name="feed-follower-page"),
    path("entries/<int:pk>/", pages.entry, name="entry-page"),
    path("entries/<int:pk>/like/", pages.like, name="entry-like-page"),
    path("entries/<int:pk>/delete/", pages.delete_entry, name="entry-delete-page"),
    path("comments/<int:pk>/delete/", pages.delete_comment, name="comment-delete-page"),
]
