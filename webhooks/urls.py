"""The paths of `webhooks`."""

from django.urls import path

from webhooks.views import deliveries, endpoints, keys

urlpatterns = [
    path("endpoints/", endpoints.EndpointList.as_view(), name="endpoints"),
    path("endpoints/<int:pk>/", endpoints.EndpointDetail.as_view(), name="endpoint"),
    path("endpoints/<int:pk>/secret/", endpoints.EndpointSecret.as_view(), name="endpoint-secret"),
    path("endpoints/<int:pk>/rotate-secret/", endpoints.EndpointRotation.as_view(), name="endpoint-rotation"),
    path("endpoints/<int:pk>/test/", endpoints.EndpointTest.as_view(), name="endpoint-test"),
    path("deliveries/", deliveries.DeliveryList.as_view(), name="deliveries"),
    path("deliveries/<int:pk>/", deliveries.DeliveryDetail.as_view(), name="delivery"),
    path("deliveries/<int:pk>/attempts/", deliveries.DeliveryAttempts.as_view(), name="delivery-attempts"),
    path("deliveries/<int:pk>/resend/", deliveries.DeliveryResend.as_view(), name="delivery-resend"),
]

well_known_urlpatterns = [
    path("webhooks/<int:pk>/jwks.json", keys.EndpointKeys.as_view(), name="endpoint-keys"),
]
