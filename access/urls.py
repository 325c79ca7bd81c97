"""The paths of `access`: REST, and its pages."""

from django.contrib.auth import views as auth_views
from django.urls import path

from access import pages, views

urlpatterns = [
    path("events/", views.events, name="events"),
    path("event-types/", views.EventTypesView.as_view(), name="event-types"),
    path("event-types/<str:name>/", views.EventTypeView.as_view(), name="event-type"),
]

page_urlpatterns = [
    path("accounts/login/", auth_views.LoginView.as_view(template_name="accounts/login.html"), name="login"),
    path("accounts/logout/", auth_views.LogoutView.as_view(), name="logout"),
    path("accounts/signup/", pages.SignUp.as_view(), name="signup"),
    path("schemas/<str:name>/<int:version>", views.schema, name="schema"),
]
