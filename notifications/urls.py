"""The paths of `notifications`: REST, and its pages."""

from django.urls import path

from notifications.pages import inbox as inbox_pages
from notifications.pages import preferences as preferences_pages
from notifications.views import browsers, inbox, preferences

urlpatterns = [
    path("", inbox.NotificationList.as_view(), name="notifications"),
    path("read/", inbox.ReadAll.as_view(), name="notifications-read"),
    path("seen/", inbox.SeeAll.as_view(), name="notifications-seen"),
    path("preferences/", preferences.PreferencesView.as_view(), name="notification-preferences"),
    path("decisions/", inbox.DecisionList.as_view(), name="notifications-decisions"),
    path("mutes/", preferences.MuteList.as_view(), name="notification-mutes"),
    path("mutes/<str:type>/<str:id>/", preferences.MuteDetail.as_view(), name="notification-mute-subject"),
    path("browsers/", browsers.BrowserList.as_view(), name="notification-browsers"),
    path("browsers/<int:pk>/", browsers.BrowserDetail.as_view(), name="notification-browser"),
    path("web-push-key/", browsers.WebPushKey.as_view(), name="web-push-key"),
    path("<int:pk>/", inbox.NotificationDetail.as_view(), name="notification"),
    path("<int:pk>/mute/", inbox.NotificationMute.as_view(), name="notification-mute"),
    path("<int:pk>/decisions/", inbox.NotificationDecisions.as_view(), name="notification-decisions"),
]

page_urlpatterns = [
    path("notifications/", inbox_pages.inbox, name="inbox"),
    path("notifications/read/", inbox_pages.read_all, name="inbox-read"),
    path("notifications/preferences/", preferences_pages.preferences, name="preferences"),
    path("notifications/unsubscribe/<str:token>/", preferences_pages.unsubscribe, name="unsubscribe"),
    path("notifications/<int:pk>/read/", inbox_pages.read_one, name="inbox-read-one"),
]
