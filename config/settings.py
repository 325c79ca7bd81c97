"""Settings, all from the environment; what is unset is the safe choice. `check --deploy` names what is not."""

from datetime import timedelta
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from psycopg.conninfo import conninfo_to_dict

from config.environment import BASE_DIR, flag, number, required, text, words

# -- Core -------------------------------------------------------------------------------------------------------------

DEBUG = flag("DEBUG")
SECRET_KEY = required("SECRET_KEY", "Use 50 random characters; script/server makes its own for development.")
# Earlier ones, which still verify and decrypt until `webhooks secrets` has brought all under the present one.
SECRET_KEY_FALLBACKS = words("SECRET_KEY_FALLBACKS")
ALLOWED_HOSTS = words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]" if DEBUG else "")
CSRF_TRUSTED_ORIGINS = words("TIDEWIRE_TRUSTED_ORIGINS")

# The CloudEvents `source` of every event: a setting, never the Host header, so that no caller can choose it.
TIDEWIRE_SOURCE = text("TIDEWIRE_SOURCE", "http://localhost:8000/").rstrip("/") + "/"

# A proxy of ours stands in front and says who called, and whether by TLS.
TIDEWIRE_BEHIND_PROXY = flag("TIDEWIRE_BEHIND_PROXY")

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
AUTH_USER_MODEL = "access.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.sitemaps",
    "servestatic",
    "django.contrib.staticfiles",
    "channels",
    "csp",
    "rest_framework",
    "events",
    "access",
    "feeds",
    "notifications",
    "webhooks",
]

# All of these can run on the event loop: one that could not would cost every long poll a thread.
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "config.handler.static_files",
    "csp.middleware.CSPMiddleware",
    "events.middleware.CursorHeader",
    "django.middleware.http.ConditionalGetMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "access.middleware.Language",
    "access.middleware.Idempotency",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.errors.in_own_words",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "notifications.pages.inbox.unread_badge",
            ],
        },
    },
]

# -- PostgreSQL: the only state ----------------------------------------------------------------------------------------

_conninfo = conninfo_to_dict(required("DATABASE_URL", "For example postgresql://user:password@host/tidewire."))
_pool_size = number("TIDEWIRE_DATABASE_POOL_SIZE", 0)

DATABASES = {
    "default": {
        "ENGINE": "config.postgresql",
        "NAME": _conninfo.pop("dbname", "tidewire"),
        "USER": _conninfo.pop("user", ""),
        "PASSWORD": _conninfo.pop("password", ""),
        "HOST": _conninfo.pop("host", ""),
        "PORT": _conninfo.pop("port", ""),
        # A pool hands its connections out anew; without one a worker keeps its own for a minute.
        "CONN_MAX_AGE": 0 if _pool_size else 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": 5,
            # On cursors of the driver's own, which `connection.prepared()` hands out; Django's never prepare.
            "prepare_threshold": 2,
            **_conninfo,
            **({"pool": {"min_size": 2, "max_size": _pool_size, "timeout": 5}} if _pool_size else {}),
        },
    }
}

# -- Valkey or Redis: hints, wake-ups and counters that may be lost ----------------------------------------------------

REDIS_URL = required("REDIS_URL", "For example redis://host:6379/0, or unix:///path/to/socket?db=0.")

# redis-py 8 gives every socket 5 seconds and a pool 100 connections: too little for a socket that only listens.
_redis = {"address": REDIS_URL, "socket_timeout": None, "socket_connect_timeout": 2, "max_connections": 1000}

CHANNEL_LAYERS = {
    "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [_redis]}},
}

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "tidewire",
        "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
    }
}

# -- Celery ------------------------------------------------------------------------------------------------------------

# kombu spells a socket's path its own way.
_redis_parts = urlsplit(REDIS_URL)
CELERY_BROKER_URL = f"redis+socket://{_redis_parts.path}?virtual_host=0" if _redis_parts.scheme == "unix" else REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # celery gives up after 100 tries unless told otherwise
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 2, "health_check_interval": 10, "max_retries": 1}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "celery"
# What waits for servers elsewhere keeps no worker from what waits here.
CELERY_TASK_ROUTES = {"webhooks.*": {"queue": "webhooks"}, "notifications.tasks.send_due": {"queue": "webhooks"}}
CELERY_TASK_SOFT_TIME_LIMIT = 300
CELERY_TASK_TIME_LIMIT = 330
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_TIMEZONE = "UTC"


def _every(task: str, seconds: float) -> dict:
    """A beat entry that expires before the next one, so that sweeps never pile up behind a dead worker."""
    return {"task": task, "schedule": timedelta(seconds=seconds), "options": {"expires": seconds}}


CELERY_BEAT_SCHEDULE = {
    "relay what a lost wake-up left": _every("events.tasks.relay_outbox", 1),
    "run the subscribers that are behind": _every("events.tasks.sweep_subscribers", 2),
    "send the deliveries that are due": _every("webhooks.tasks.send_due_deliveries", 1),
    "go on with replays": _every("webhooks.tasks.run_replays", 2),
    "push what a lost wake-up left": _every("feeds.tasks.fan_out", 5),
    "trim the timelines": _every("feeds.tasks.trim_timelines", 3600),
    "compare the counts with the rows": _every("feeds.tasks.reconcile_counts", 86_400),
    "prune the log": _every("events.tasks.prune_log", 3600),
    "forget unused tickets": _every("access.tasks.forget_tickets", 3600),
    "forget old idempotency keys": _every("access.tasks.forget_idempotency_keys", 3600),
    "prune finished deliveries": _every("webhooks.tasks.prune_deliveries", 300),
    "forget keys that sign no more": _every("webhooks.tasks.forget_retired_keys", 3600),
    "send the notifications that are due": _every("notifications.tasks.wake_senders", 5),
    "send the broadcasts that are due": _every("notifications.tasks.send_broadcasts", 5),
    "bring back the notifications that were snoozed": _every("notifications.tasks.bring_back_snoozed", 5),
    "forget old decisions about notifications": _every("notifications.tasks.prune_decisions", 3600),
    "forget old notifications": _every("notifications.tasks.prune_notifications", 3600),
}

# -- REST --------------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "access.authentication.KeyAuthentication",
        "access.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticatedOrReadOnly"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["config.rest.BoundedJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "config.rest.OpaquePages",
    "DEFAULT_THROTTLE_CLASSES": ["config.rest.AnonymousThrottle", "config.rest.UserThrottle"],
    "DEFAULT_THROTTLE_RATES": {
        "anon": text("TIDEWIRE_ANONYMOUS_REQUESTS_RATE", "300/min"),
        "user": text("TIDEWIRE_USER_REQUESTS_RATE", "3000/min"),
    },
    "EXCEPTION_HANDLER": "config.rest.problem",
    # Without a proxy of ours in front, X-Forwarded-For is whatever the caller writes.
    "NUM_PROXIES": 1 if TIDEWIRE_BEHIND_PROXY else 0,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# Limits that no local load test meets.
if text("TIDEWIRE_LIMITS") == "development":
    REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"] = {"anon": None, "user": None}

# -- Tidewire ----------------------------------------------------------------------------------------------------------

TIDEWIRE_LOG_RETENTION_DAYS = number("TIDEWIRE_LOG_RETENTION_DAYS", 30)
TIDEWIRE_EVENT_MAX_BYTES = number("TIDEWIRE_EVENT_MAX_BYTES", 256 * 1024)
TIDEWIRE_VALIDATE_PAYLOADS = flag("TIDEWIRE_VALIDATE_PAYLOADS", DEBUG)
TIDEWIRE_RING_BYTES = number("TIDEWIRE_RING_BYTES", 16 * 1024 * 1024)
TIDEWIRE_HEARTBEAT_SECONDS = max(1, number("TIDEWIRE_HEARTBEAT_SECONDS", 25))
TIDEWIRE_CONNECTION_MAX_SECONDS = number("TIDEWIRE_CONNECTION_MAX_SECONDS", 3600)
TIDEWIRE_ADDRESS_MAX_CONNECTIONS = number("TIDEWIRE_ADDRESS_MAX_CONNECTIONS", 200)
TIDEWIRE_USER_MAX_CONNECTIONS = number("TIDEWIRE_USER_MAX_CONNECTIONS", 50)
TIDEWIRE_STALLED_SECONDS = number("TIDEWIRE_STALLED_SECONDS", 300)
# Who develops ends the server often, and does not wait.
TIDEWIRE_DRAIN_SECONDS = number("TIDEWIRE_DRAIN_SECONDS", 2 if text("TIDEWIRE_LIMITS") == "development" else 20)
TIDEWIRE_CONNECTION_MAX_SUBSCRIPTIONS = number("TIDEWIRE_CONNECTION_MAX_SUBSCRIPTIONS", 50)
TIDEWIRE_SUBSCRIPTION_MAX_TOPICS = number("TIDEWIRE_SUBSCRIPTION_MAX_TOPICS", 2000)
TIDEWIRE_FRAME_MAX_BYTES = number("TIDEWIRE_FRAME_MAX_BYTES", 64 * 1024)
TIDEWIRE_CURSORLESS_PATHS = (
    "/admin/",
    "/static/",
    "/healthz",
    "/readyz",
    "/accounts/",
    "/api/v1/events/",
    "/.well-known/",
    "/manifest.webmanifest",
    "/robots.txt",
    "/service-worker.js",
    "/sitemap",
)
TIDEWIRE_IDEMPOTENCY_HOURS = number("TIDEWIRE_IDEMPOTENCY_HOURS", 24)
TIDEWIRE_PUBLISH_MAX_EVENTS = number("TIDEWIRE_PUBLISH_MAX_EVENTS", 1000)
TIDEWIRE_USER_EVENTS_PER_MINUTE = number(
    "TIDEWIRE_USER_EVENTS_PER_MINUTE", 0 if text("TIDEWIRE_LIMITS") == "development" else 6000
)
TIDEWIRE_USER_MAX_APPLICATIONS = number("TIDEWIRE_USER_MAX_APPLICATIONS", 100)
TIDEWIRE_USER_MAX_KEYS = number("TIDEWIRE_USER_MAX_KEYS", 200)
TIDEWIRE_MAX_GRANTS = number("TIDEWIRE_MAX_GRANTS", 1000)
TIDEWIRE_USER_PREVIEWS_PER_MINUTE = number(
    "TIDEWIRE_USER_PREVIEWS_PER_MINUTE", 0 if text("TIDEWIRE_LIMITS") == "development" else 20
)
TIDEWIRE_USER_MAX_ENDPOINTS = number("TIDEWIRE_USER_MAX_ENDPOINTS", 100)
TIDEWIRE_ENDPOINT_TESTS_PER_MINUTE = number(
    "TIDEWIRE_ENDPOINT_TESTS_PER_MINUTE", 0 if text("TIDEWIRE_LIMITS") == "development" else 10
)
TIDEWIRE_USER_MAX_OPEN_REPORTS = number("TIDEWIRE_USER_MAX_OPEN_REPORTS", 100)
# What a suspended user may still do: all that concerns nobody else.
TIDEWIRE_OPEN_TO_SUSPENDED_PATHS = (
    "/api/v1/notifications/",
    "/api/v1/live/ticket/",
    "/api/v1/access/blocks/",
    "/api/v1/access/mutes/",
)
TIDEWIRE_USER_MAX_FEEDS = number("TIDEWIRE_USER_MAX_FEEDS", 20)
TIDEWIRE_USER_MAX_BLOCKS = number("TIDEWIRE_USER_MAX_BLOCKS", 10_000)
TIDEWIRE_TIMELINE_PUSH_MAX_FOLLOWERS = number("TIDEWIRE_TIMELINE_PUSH_MAX_FOLLOWERS", 10_000)
TIDEWIRE_TIMELINE_ACTIVE_DAYS = max(2, number("TIDEWIRE_TIMELINE_ACTIVE_DAYS", 14))
TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE = flag("TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE")
TIDEWIRE_WEBHOOKS_ALLOW_HTTP = flag("TIDEWIRE_WEBHOOKS_ALLOW_HTTP", True)
TIDEWIRE_WEBHOOKS_REFUSED_NETWORKS = words("TIDEWIRE_WEBHOOKS_REFUSED_NETWORKS")
TIDEWIRE_WEBHOOKS_PROXY_URL = text("TIDEWIRE_WEBHOOKS_PROXY_URL")
TIDEWIRE_WEBHOOKS_DEADLINE_SECONDS = number("TIDEWIRE_WEBHOOKS_DEADLINE_SECONDS", 15)
TIDEWIRE_WEBHOOKS_LEASE_SECONDS = number("TIDEWIRE_WEBHOOKS_LEASE_SECONDS", 60)
TIDEWIRE_WEBHOOKS_GRACE_SECONDS = number(
    "TIDEWIRE_WEBHOOKS_GRACE_SECONDS", 2 if text("TIDEWIRE_LIMITS") == "development" else 20
)
TIDEWIRE_WEBHOOKS_IN_FLIGHT = number("TIDEWIRE_WEBHOOKS_IN_FLIGHT", 512)
TIDEWIRE_WEBHOOKS_ENDPOINT_IN_FLIGHT = number("TIDEWIRE_WEBHOOKS_ENDPOINT_IN_FLIGHT", 16)
TIDEWIRE_WEBHOOKS_BREAKER_FAILURES = number("TIDEWIRE_WEBHOOKS_BREAKER_FAILURES", 5)
TIDEWIRE_WEBHOOKS_DISABLE_AFTER_HOURS = number("TIDEWIRE_WEBHOOKS_DISABLE_AFTER_HOURS", 120)
TIDEWIRE_WEBHOOKS_DISABLE_AFTER_ATTEMPTS = number("TIDEWIRE_WEBHOOKS_DISABLE_AFTER_ATTEMPTS", 10)
TIDEWIRE_WEBHOOKS_BODY_WARN_BYTES = number("TIDEWIRE_WEBHOOKS_BODY_WARN_BYTES", 20_000)
TIDEWIRE_WEBHOOKS_BODY_MAX_BYTES = number("TIDEWIRE_WEBHOOKS_BODY_MAX_BYTES", 256_000)
TIDEWIRE_WEBHOOKS_RETENTION_DAYS = number("TIDEWIRE_WEBHOOKS_RETENTION_DAYS", 30)
# More than so many new notifications of one user in 10 and in 180 seconds become one; None: never.
TIDEWIRE_NOTIFICATIONS_STORM = None if text("TIDEWIRE_LIMITS") == "development" else (6, 30)
TIDEWIRE_NOTIFICATION_CHANNELS = ("notifications.channels.email.Email", "notifications.channels.web_push.WebPush")
TIDEWIRE_NOTIFICATIONS_DECISIONS_DAYS = number("TIDEWIRE_NOTIFICATIONS_DECISIONS_DAYS", 30)
TIDEWIRE_NOTIFICATIONS_DAYS = number("TIDEWIRE_NOTIFICATIONS_DAYS", 180)

if text("TIDEWIRE_LIMITS") == "development":
    TIDEWIRE_ADDRESS_MAX_CONNECTIONS = TIDEWIRE_USER_MAX_CONNECTIONS = 0
    TIDEWIRE_USER_MAX_FEEDS = TIDEWIRE_USER_MAX_ENDPOINTS = TIDEWIRE_USER_MAX_OPEN_REPORTS = 100_000

# -- E-mail and web push: off until there is a server to send by, or a key to sign with --------------------------------

EMAIL_HOST = TIDEWIRE_EMAIL_HOST = text("TIDEWIRE_EMAIL_HOST")
EMAIL_PORT = number("TIDEWIRE_EMAIL_PORT", 587)
EMAIL_HOST_USER = text("TIDEWIRE_EMAIL_USER")
EMAIL_HOST_PASSWORD = text("TIDEWIRE_EMAIL_PASSWORD")
EMAIL_USE_TLS = flag("TIDEWIRE_EMAIL_TLS", True)
EMAIL_TIMEOUT = number("TIDEWIRE_EMAIL_TIMEOUT_SECONDS", 10)
DEFAULT_FROM_EMAIL = SERVER_EMAIL = text("TIDEWIRE_EMAIL_FROM", "Tidewire <tidewire@localhost>")
# So long one may read it here first.
TIDEWIRE_EMAIL_DELAY_SECONDS = number("TIDEWIRE_EMAIL_DELAY_SECONDS", 120)
# The VAPID key, 32 bytes in base64url, and by what a push service reaches whoever runs this server.
TIDEWIRE_WEB_PUSH_PRIVATE_KEY = text("TIDEWIRE_WEB_PUSH_PRIVATE_KEY")
TIDEWIRE_WEB_PUSH_SUBJECT = text("TIDEWIRE_WEB_PUSH_SUBJECT", "mailto:tidewire@localhost")
# Strangers' browsers name the address to send to, so that only these hosts are called.
TIDEWIRE_WEB_PUSH_HOSTS = words(
    "TIDEWIRE_WEB_PUSH_HOSTS",
    "fcm.googleapis.com,updates.push.services.mozilla.com,web.push.apple.com,.notify.windows.com",
)
TIDEWIRE_USER_MAX_BROWSERS = number("TIDEWIRE_USER_MAX_BROWSERS", 20)

# -- Security ----------------------------------------------------------------------------------------------------------

# Behind TLS everywhere but in development; a proxy that ends TLS says so with this header.
_https = not DEBUG and flag("TIDEWIRE_HTTPS", True)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TIDEWIRE_BEHIND_PROXY else None
SECURE_SSL_REDIRECT = _https
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = number("TIDEWIRE_HSTS_SECONDS", 31_536_000) if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _https
SECURE_HSTS_PRELOAD = _https
SESSION_ENGINE = "access.sessions"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SESSION_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "config.pages.form_expired"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "worker-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "home"

# -- Language, time, static files, logs --------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
# What no reader looks at speaks English alone, so that programs can rely on it.
# What is answered without a thread, or waits without one; all else walks through the middleware in one.
TIDEWIRE_ASYNC_PATHS = ("/static/", "/api/v1/events/", "/healthz")
TIDEWIRE_PAGES_EXCEPT_PATHS = ("/api/", "/admin/", "/static/", "/healthz", "/readyz", "/live/", "/schemas/")
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = USE_I18N = True

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage" if DEBUG else "config.storage.HashedFiles"
    },
}
SERVESTATIC_USE_FINDERS = SERVESTATIC_AUTOREFRESH = DEBUG

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": text("TIDEWIRE_LOG_LEVEL", "INFO")},
    "loggers": {"django.server": {"level": "WARNING"}, "httpx": {"level": "WARNING"}},
}
