import pytest
from django.core import checks


def found():
    return {check.id for check in checks.run_checks(include_deployment_checks=True)}


def test_private_addresses_that_are_open_are_named(settings):
    settings.TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE = True
    assert "webhooks.W001" in found()
    settings.TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE = False
    assert "webhooks.W001" not in found()


@pytest.mark.parametrize(("lease", "refused"), [(14, True), (15, True), (16, False)])
def test_a_lease_that_ends_before_its_try_is_refused(settings, lease, refused):
    settings.TIDEWIRE_WEBHOOKS_DEADLINE_SECONDS, settings.TIDEWIRE_WEBHOOKS_LEASE_SECONDS = 15, lease
    assert ("webhooks.E001" in found()) is refused
