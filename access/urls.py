"""The paths of `access`: REST, and its pages."""

from django.contrib.auth import views as auth_views
from django.urls import path

from access.pages import accounts, developers
from access.views import applications, events, grants, keys, presence, relations, suspensions, tickets, types

urlpatterns = [
    path("events/", events.events, name="events"),
    path("event-types/", types.EventTypesView.as_view(), name="event-types"),
    path("event-types/<str:name>/", types.EventTypeView.as_view(), name="event-type"),
    path("live/ticket/", tickets.TicketView.as_view(), name="live-ticket"),
    path("live/presence/", presence.PresenceView.as_view(), name="live-presence"),
    path("access/applications/", applications.ApplicationList.as_view(), name="applications"),
    path("access/applications/<int:pk>/", applications.ApplicationDetail.as_view(), name="application"),
    path("access/keys/", keys.KeyList.as_view(), name="keys"),
    path("access/keys/<int:pk>/", keys.KeyDetail.as_view(), name="key"),
    path("access/grants/", grants.GrantList.as_view(), name="grants"),
    path("access/grants/<int:pk>/", grants.GrantDetail.as_view(), name="grant"),
    path("access/blocks/", relations.BlockList.as_view(), name="blocks"),
    path("access/blocks/<int:user_id>/", relations.BlockDetail.as_view(), name="block"),
    path("access/suspensions/<int:user_id>/", suspensions.SuspensionDetail.as_view(), name="suspension"),
    path("access/mutes/", relations.MuteList.as_view(), name="mutes"),
    path("access/mutes/<int:user_id>/", relations.MuteDetail.as_view(), name="mute"),
]

page_urlpatterns = [
    path("accounts/login/", auth_views.LoginView.as_view(template_name="accounts/login.html"), name="login"),
    path("accounts/logout/", auth_views.LogoutView.as_view(), name="logout"),
    path("accounts/signup/", accounts.SignUp.as_view(), name="signup"),
    path("accounts/blocks/<int:user_id>/", accounts.block, name="block-page"),
    path("accounts/mutes/<int:user_id>/", accounts.mute, name="mute-page"),
    path("developers/", developers.developers, name="developers"),
    path("developers/keys/", developers.keys, name="developers-keys"),
    path("developers/keys/<int:pk>/revoke/", developers.revoke, name="developers-revoke"),
    path("developers/applications/", developers.new_application, name="developers-applications"),
    path("developers/applications/<int:pk>/delete/", developers.delete_application, name="developers-delete"),
    path("schemas/<str:name>/<int:version>", types.schema, name="schema"),
]
