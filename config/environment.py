"""What the process environment says: typed readers, and the variables of this checkout's development server."""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
DEVELOPMENT_FILE = BASE_DIR / ".tidewire" / "environment"

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def adopt_development_environment(path: Path = DEVELOPMENT_FILE) -> None:
    """Take, for every variable that is unset, the value that `script/server` of this checkout uses."""
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        name, separator, value = line.partition("=")
        if separator and not name.startswith("#"):
            os.environ.setdefault(name.strip(), value)


def text(name: str, default: str = "") -> str:
    """Return the variable as text, or the default when it is unset or empty."""
    return os.environ.get(name) or default


def required(name: str, hint: str) -> str:
    """Return the variable, or stop with a sentence that says how to set it."""
    value = os.environ.get(name)
    if not value:
        raise ImproperlyConfigured(f"{name} is not set. {hint}")
    return value


def flag(name: str, default: bool = False) -> bool:
    """Return the variable as a truth value: 1, true, yes and on are true, 0, false, no and off are false."""
    value = text(name).lower()
    if value in ("", "1", "true", "yes", "on", "0", "false", "no", "off"):
        return default if not value else value in ("1", "true", "yes", "on")
    raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}.")


def number(name: str, default: int) -> int:
    """Return the variable as a whole number that is not negative."""
    value = text(name, str(default))
    if not value.isascii() or not value.isdigit():
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.")
    return int(value)


def words(name: str, default: str = "") -> list[str]:
    """Return the variable as a list: its comma-separated words, without blanks."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]
