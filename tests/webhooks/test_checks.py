import pytest
from django.core import checks


def found():
    return {check.id for check in checks.run_checks(include_deployment_checks=True)}


def test_private_addresses_that_are_open_are_named(settings):
    settings.TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE = True
    assert "webhooks.W001" in found()
    settings.TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE = False
    assert "webhooks.W001" not in found()


@pytest.mark.parametrize("url", ["proxy:3128", "https://user:hush@proxy:3128", "http://proxy"])
def test_a_malformed_proxy_is_an_error_that_shows_no_password(settings, url):
    settings.TIDEWIRE_WEBHOOKS_PROXY_URL = url
    [error] = [check for check in checks.run_checks() if check.id == "webhooks.E002"]
    assert "hush" not in str(error)


@pytest.mark.parametrize("url", ["", "http://proxy:3128", "http://user:hush@proxy:3128"])
def test_a_proxy_or_none_is_no_error(settings, url):
    settings.TIDEWIRE_WEBHOOKS_PROXY_URL = url
    assert "webhooks.E002" not in found()


@pytest.mark.parametrize(("lease", "refused"), [(14, True), (15, True), (16, False)])
def test_a_lease_that_ends_before_its_try_is_refused(settings, lease, refused):
    settings.TIDEWIRE_WEBHOOKS_DEADLINE_SECONDS, settings.TIDEWIRE_WEBHOOKS_LEASE_SECONDS = 15, lease
    assert ("webhooks.E001" in found()) is refused
