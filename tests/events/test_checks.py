from django.core import checks


def found(prefix):
    return {check.id for check in checks.run_checks(include_deployment_checks=True) if check.id.startswith(prefix)}


def test_a_public_source_and_limits_are_in_order(settings):
    settings.TIDEWIRE_SOURCE = "https://tidewire.example/"
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"DEFAULT_THROTTLE_RATES": {"anon": "1/s", "user": None}}
    assert found("events.") == set()


def test_a_source_that_is_no_public_address_is_named(settings):
    settings.TIDEWIRE_SOURCE = "http://localhost:8000/"
    assert "events.W001" in found("events.")


def test_limits_that_are_off_are_named(settings):
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"DEFAULT_THROTTLE_RATES": {"anon": None, "user": None}}
    assert "events.W002" in found("events.")


def test_what_is_only_for_deployment_is_not_said_in_development(settings):
    settings.TIDEWIRE_SOURCE = "http://localhost:8000/"
    assert not [check for check in checks.run_checks() if check.id == "events.W001"]
