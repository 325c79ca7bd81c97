"""Static files under names that tell their content, so that browsers keep them for ever."""

from servestatic.storage import CompressedManifestStaticFilesStorage


class HashedFiles(CompressedManifestStaticFilesStorage):
    """Modules that a script imports have such names, too: a page never mixes two releases."""

    support_js_module_import_aggregation = True
