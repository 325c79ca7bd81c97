"""The paths of `feeds`: REST, and its pages."""

from django.urls import path, register_converter

from feeds import syndication
from feeds.pages import doing, reading
from feeds.pages import search as search_page
from feeds.views import comments, dismissals, entries, feeds, follows, moderation, reports, search, timeline


class Address:
    """The address of a feed; whatever cannot be one is found nowhere, and reaches no query."""

    regex = "[A-Za-z0-9_.-]{1,50}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return str(value)


register_converter(Address, "address")

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
    path("entries/dismissed/", dismissals.DismissedEntries.as_view(), name="dismissed-entries"),
    path("entries/<int:pk>/dismiss/", dismissals.EntryDismissal.as_view(), name="entry-dismissal"),
    path("reports/", reports.ReportList.as_view(), name="reports"),
    path("moderation/reports/", moderation.ReportQueue.as_view(), name="report-queue"),
    path("moderation/reports/<int:pk>/", moderation.ReportDetail.as_view(), name="report"),
    path("moderation/entries/<int:pk>/", moderation.Hiding.as_view(), name="entry-hiding"),
    path("moderation/comments/<int:pk>/", moderation.CommentHiding.as_view(), name="comment-hiding"),
    path("search/", search.Search.as_view(), name="search"),
    path("timeline/", timeline.Timeline.as_view(), name="timeline"),
]

page_urlpatterns = [
    path("", reading.home, name="home"),
    path("search/", search_page.search, name="search-page"),
    path("feeds/<address:slug>/", reading.feed, name="feed-page"),
    path("feeds/<address:slug>/atom/", syndication.Atom(), name="feed-atom"),
    path("feeds/<address:slug>/outbox", syndication.outbox, name="feed-outbox"),
    path("feeds/<address:slug>/follow/", doing.follow, name="feed-follow-page"),
    path("feeds/<address:slug>/followers/<int:user_id>/", doing.answer, name="feed-follower-page"),
    path("entries/<int:pk>/", reading.entry, name="entry-page"),
    path("entries/<int:pk>/like/", doing.like, name="entry-like-page"),
    path("entries/<int:pk>/hide/", doing.hide, name="entry-hide-page"),
    path("entries/<int:pk>/edit/", doing.edit_entry, name="entry-edit-page"),
    path("entries/<int:pk>/delete/", doing.delete_entry, name="entry-delete-page"),
    path("comments/<int:pk>/edit/", doing.edit_comment, name="comment-edit-page"),
    path("comments/<int:pk>/delete/", doing.delete_comment, name="comment-delete-page"),
    path("reports/new/<str:kind>/<int:pk>/", doing.report, name="report-page"),
]
