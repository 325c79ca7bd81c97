"""The paths of `webhooks`."""

from django.urls import path

from webhooks.views import deliveries, endpoints, keys, missing, previews, replays

urlpatterns = [
    path("endpoints/", endpoints.EndpointList.as_view(), name="endpoints"),
    path("endpoints/<int:pk>/", endpoints.EndpointDetail.as_view(), name="endpoint"),
    path("endpoints/<int:pk>/secret/", endpoints.EndpointSecret.as_view(), name="endpoint-secret"),
    path("endpoints/<int:pk>/preview/", previews.EndpointPreview.as_view(), name="endpoint-preview"),
    path("endpoints/<int:pk>/missing/", missing.EndpointMissing.as_view(), name="endpoint-missing"),
    path("endpoints/<int:pk>/replay/", replays.ReplayStart.as_view(), name="endpoint-replay"),
    path("endpoints/<int:pk>/replays/", replays.ReplayList.as_view(), name="endpoint-replays"),
    path("endpoints/<int:pk>/replays/<int:replay>/", replays.ReplayDetail.as_view(), name="replay"),
    path("preview/", previews.Preview.as_view(), name="preview"),
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
