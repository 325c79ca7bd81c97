import pytest
from django.core.exceptions import ImproperlyConfigured

from webhooks import addresses
from webhooks.apps import close_networks


def test_the_networks_of_the_settings_are_closed(settings):
    settings.TIDEWIRE_WEBHOOKS_REFUSED_NETWORKS = ["9.9.9.0/24", "2620:fe::/48"]
    close_networks()
    try:
        assert addresses.refusal("9.9.9.9", allow_private=True)
        assert addresses.refusal("2620:fe::9", allow_private=True)
    finally:
        addresses.close([])


def test_a_network_that_is_none_stops_the_process(settings):
    settings.TIDEWIRE_WEBHOOKS_REFUSED_NETWORKS = ["9.9.9.9/24"]
    with pytest.raises(ImproperlyConfigured, match=r"REFUSED_NETWORKS holds no network: 9\.9\.9\.9/24 has"):
        close_networks()
