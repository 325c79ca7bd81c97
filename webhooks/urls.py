"""The paths of `webhooks`."""

from django.urls import path

from webhooks import views

urlpatterns = [
    path("endpoints/", views.EndpointList.as_view(), name="endpoints"),
    path("endpoints/<int:pk>/", views.EndpointDetail.as_view(), name="endpoint"),
    path("endpoints/<int:pk>/secret/", views.EndpointSecret.as_view(), name="endpoint-secret"),
    path("deliveries/", views.DeliveryList.as_view(), name="deliveries"),
    path("deliveries/<int:pk>/", views.DeliveryDetail.as_view(), name="delivery"),
    path("deliveries/<int:pk>/attempts/", views.DeliveryAttempts.as_view(), name="delivery-attempts"),
    path("deliveries/<int:pk>/resend/", views.DeliveryResend.as_view(), name="delivery-resend"),
]
