"""The world's time zones as one list to choose from."""

from functools import cache
from typing import Any

from django.utils.translation import gettext_lazy as _

from access.models.user import time_zones

REGION_WORDS = {
    "Africa": _("Africa"),
    "America": _("America"),
    "Antarctica": _("Antarctica"),
    "Arctic": _("Arctic"),
    "Asia": _("Asia"),
    "Atlantic": _("Atlantic"),
    "Australia": _("Australia"),
    "Europe": _("Europe"),
    "Indian": _("Indian Ocean"),
    "Pacific": _("Pacific"),
}
OTHERS = _("Other time zones")


@cache
def zones() -> list[tuple[Any, list[tuple[str, str]]]]:
    """Return the names of all time zones, each with that of its place, by the part of the world that it is in."""
    found: dict[str, list[tuple[str, str]]] = {region: [] for region in (*REGION_WORDS, "")}
    for name in sorted(time_zones()):
        region, _slash, place = name.partition("/")
        if region not in REGION_WORDS:
            region, place = "", name
        found[region].append((name, place.replace("_", " ")))
    return [(REGION_WORDS.get(region, OTHERS), places) for region, places in found.items()]
