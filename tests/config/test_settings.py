import json
import os
import subprocess
import sys

from config.environment import BASE_DIR

ENGINES = {"DATABASE_URL": "postgresql://tide:wire@db.example/tidewire", "REDIS_URL": "redis://cache.example:6379/0"}
SECRET = {"SECRET_KEY": "x" * 50}

PUBLIC = {
    "ALLOWED_HOSTS": "tide.example",
    "TIDEWIRE_SOURCE": "https://tide.example/",
    "SECRET_KEY": "tide-and-time-wait-for-none-0123456789-ABCDEFGHIJKLMN",
}

PRINT = """
import json, sys
from django.conf import settings
settings.DEBUG  # reads them
print(json.dumps({name: getattr(settings, name) for name in sys.argv[1:]}))
"""


def python(environment, *arguments):
    clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    clean |= {"DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONPATH": str(BASE_DIR)}
    return subprocess.run(
        [sys.executable, *arguments], env=clean | environment, capture_output=True, text=True, cwd="/", timeout=30
    )


def settings_with(environment, *names):
    result = python(environment, "-c", PRINT, *names)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_what_is_unset_is_the_safe_choice():
    found = settings_with(
        SECRET | ENGINES,
        *(
            "DEBUG",
            "ALLOWED_HOSTS",
            "CSRF_TRUSTED_ORIGINS",
            "SECURE_PROXY_SSL_HEADER",
            "TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE",
        ),
        *("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY", "SECURE_SSL_REDIRECT"),
        *("SECURE_HSTS_SECONDS", "SECURE_HSTS_INCLUDE_SUBDOMAINS", "X_FRAME_OPTIONS"),
    )
    assert found == {
        "DEBUG": False,
        "ALLOWED_HOSTS": [],
        "CSRF_TRUSTED_ORIGINS": [],
        "SECURE_PROXY_SSL_HEADER": None,
        "TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE": False,
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "SECURE_SSL_REDIRECT": True,
        "SECURE_HSTS_SECONDS": 31_536_000,
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": True,
        "X_FRAME_OPTIONS": "DENY",
    }


def test_scripts_frames_and_forms_of_others_are_refused():
    policy = settings_with(SECRET | ENGINES, "CONTENT_SECURITY_POLICY")["CONTENT_SECURITY_POLICY"]["DIRECTIVES"]
    assert (policy["default-src"], policy["script-src"]) == (["'none'"], ["'self'"])
    assert (policy["frame-ancestors"], policy["form-action"]) == (["'none'"], ["'self'"])
    assert "unsafe" not in str(policy)


def test_limits_hold_unless_development_says_otherwise():
    rates = settings_with(SECRET | ENGINES, "REST_FRAMEWORK")["REST_FRAMEWORK"]["DEFAULT_THROTTLE_RATES"]
    assert rates == {"anon": "300/min", "user": "3000/min"}


def test_a_missing_secret_key_is_one_clear_sentence():
    result = python(ENGINES, "-c", PRINT)
    assert result.returncode != 0
    assert "SECRET_KEY is not set. Use 50 random characters" in result.stderr


def test_a_missing_database_url_is_one_clear_sentence():
    result = python(SECRET | {"REDIS_URL": ENGINES["REDIS_URL"]}, "-c", PRINT)
    assert "DATABASE_URL is not set. For example postgresql://" in result.stderr


def check_deploy(environment):
    # Not by manage.py, which adopts what a development server beside the tests uses.
    return python(ENGINES | PUBLIC | environment, "-m", "django", "check", "--deploy", "--tag", "security")


def test_check_deploy_finds_nothing_unsafe_when_only_what_is_public_is_set():
    result = check_deploy({})
    assert "System check identified no issues" in result.stdout + result.stderr, result.stderr


def test_check_deploy_names_a_short_secret_key():
    assert "access.W001" in check_deploy({"SECRET_KEY": "short"}).stderr
