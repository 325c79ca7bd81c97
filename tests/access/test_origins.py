import pytest

from access import origins


@pytest.mark.parametrize(
    ("origin", "host", "secure"),
    [("http://localhost:8000", "localhost:8000", False), ("https://localhost", "localhost", True)],
)
def test_the_page_of_this_host_is_ours(origin, host, secure):
    assert origins.is_own(origin, host, is_secure=secure)
    assert not origins.is_own(origin, host, is_secure=not secure)


@pytest.mark.parametrize(
    ("origin", "own"),
    [
        ("https://a.example.com", True),
        ("https://a.b.example.com", True),
        ("http://a.example.com", False),
        ("https://example.com.evil.net", False),
        ("https://evilexample.com", False),
        ("https://app.example", True),
        ("http://[", False),
        ("null", False),
        ("", False),
    ],
)
def test_trusted_origins_may_begin_with_a_star_as_django_reads_them(settings, origin, own):
    settings.CSRF_TRUSTED_ORIGINS = ["https://*.example.com", "https://app.example"]
    assert origins.is_own(origin, "localhost", is_secure=True) is own


def test_whether_it_is_secure_says_the_scheme_or_the_proxy_that_is_ours(settings):
    forwarded = {b"x-forwarded-proto": "https"}
    assert origins.is_secure("wss", {}) and origins.is_secure("https", {})
    assert not origins.is_secure("ws", forwarded)
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert origins.is_secure("ws", forwarded)
    assert not origins.is_secure("wss", {b"x-forwarded-proto": "http"})


def test_without_a_client_there_is_no_address():
    assert origins.address(None, {}) == ""
