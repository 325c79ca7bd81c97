"""The paths of `feeds`: REST, and its pages."""

from django.urls import path

from feeds import pages, views

urlpatterns = [
    path("feeds/", views.FeedList.as_view(), name="feeds"),
    path("feeds/<int:pk>/", views.FeedDetail.as_view(), name="feed"),
    path("feeds/<int:pk>/follow/", views.FeedFollow.as_view(), name="feed-follow"),
    path("feeds/<int:pk>/requests/", views.FeedRequests.as_view(), name="feed-requests"),
    path("feeds/<int:pk>/requests/<int:user_id>/", views.FeedRequest.as_view(), name="feed-request"),
    path("feeds/<int:pk>/followers/", views.FeedFollowers.as_view(), name="feed-followers"),
    path("feeds/<int:pk>/followers/<int:user_id>/", views.FeedFollower.as_view(), name="feed-follower"),
    path("feeds/<int:pk>/entries/", views.FeedEntries.as_view(), name="feed-entries"),
    path("entries/<int:pk>/", views.EntryDetail.as_view(), name="entry"),
    path("entries/<int:pk>/like/", views.EntryLike.as_view(), name="entry-like"),
    path("entries/<int:pk>/comments/", views.EntryComments.as_view(), name="entry-comments"),
    path("comments/<int:pk>/", views.CommentDetail.as_view(), name="comment"),
    path("timeline/", views.Timeline.as_view(), name="timeline"),
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
