"""The paths of `notifications`: REST, and its pages."""

from django.urls import path

from notifications import pages, views

urlpatterns = [
    path("", views.NotificationList.as_view(), name="notifications"),
    path("read/", views.ReadAll.as_view(), name="notifications-read"),
    path("seen/", views.SeeAll.as_view(), name="notifications-seen"),
    path("<int:pk>/", views.NotificationDetail.as_view(), name="notification"),
]

page_urlpatterns = [
    path("notifications/", pages.inbox, name="inbox"),
    path("notifications/read/", pages.read_all, name="inbox-read"),
    path("notifications/<int:pk>/read/", pages.read_one, name="inbox-read-one"),
]
