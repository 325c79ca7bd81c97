"""The paths of `webhooks`."""

from django.urls import path

from webhooks.pages import deliveries as delivery_pages
from webhooks.pages import endpoints as endpoint_pages
from webhooks.pages import replays as replay_pages
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

page_urlpatterns = [
    path("webhooks/", endpoint_pages.endpoints, name="endpoints-page"),
    path("webhooks/new/", endpoint_pages.new, name="endpoint-new-page"),
    path("webhooks/<int:pk>/", endpoint_pages.endpoint, name="endpoint-page"),
    path("webhooks/<int:pk>/change/", endpoint_pages.change, name="endpoint-change-page"),
    path("webhooks/<int:pk>/secret/", endpoint_pages.secret, name="endpoint-secret-page"),
    path("webhooks/<int:pk>/rotate/", endpoint_pages.rotate, name="endpoint-rotate-page"),
    path("webhooks/<int:pk>/pause/", endpoint_pages.pause, name="endpoint-pause-page"),
    path("webhooks/<int:pk>/resume/", endpoint_pages.resume, name="endpoint-resume-page"),
    path("webhooks/<int:pk>/test/", endpoint_pages.test, name="endpoint-test-page"),
    path("webhooks/<int:pk>/delete/", endpoint_pages.delete, name="endpoint-delete-page"),
    path("webhooks/<int:pk>/replays/", replay_pages.replays, name="replays-page"),
    path("webhooks/<int:pk>/replays/<int:replay>/cancel/", replay_pages.cancel, name="replay-cancel-page"),
    path("webhooks/deliveries/<int:pk>/", delivery_pages.delivery, name="delivery-page"),
    path("webhooks/deliveries/<int:pk>/resend/", delivery_pages.resend, name="delivery-resend-page"),
]
