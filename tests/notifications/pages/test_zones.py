from django.utils import translation

from access.models.user import time_zones
from notifications.pages.zones import zones


def test_every_time_zone_is_in_the_list_once():
    names = [name for _, places in zones() for name, _ in places]
    assert sorted(names) == sorted(time_zones())


def test_a_zone_stands_in_its_part_of_the_world_by_the_name_of_its_place():
    regions = {str(region): dict(places) for region, places in zones()}
    assert regions["America"]["America/Argentina/Buenos_Aires"] == "Argentina/Buenos Aires"
    assert regions["Other time zones"]["UTC"] == "UTC"


def test_parts_of_the_world_are_named_in_the_reader_s_language():
    with translation.override("de"):
        assert "Indischer Ozean" in [str(region) for region, _ in zones()]
