from django.core import checks


def found():
    return {check.id for check in checks.run_checks(include_deployment_checks=True)}


def test_private_addresses_that_are_open_are_named(settings):
    settings.TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE = True
    assert "webhooks.W001" in found()
    settings.TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE = False
    assert "webhooks.W001" not in found()
