import re

from django.core.management import call_command


def test_a_module_imports_others_by_names_that_tell_their_content(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": "config.storage.HashedFiles"}}
    call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=["admin", "rest_framework"])
    [page] = tmp_path.glob("tidewire/page.*.js")
    imported = re.findall(r'(?:from |import ?)"(\./[^"]+)"', page.read_text())
    assert len(imported) > 10
    for name in imported:
        assert re.fullmatch(r"\./\w+\.[0-9a-f]{12}\.js", name) and (page.parent / name).exists()
