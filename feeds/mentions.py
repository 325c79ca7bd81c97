"""Who is named in a text: `@name`, but not inside words, addresses or code."""

import re

MAX = 20

# Code and addresses are taken out first: what stands in them is not said to anybody.
_ASIDE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|\b[A-Za-z][A-Za-z0-9+.-]{0,20}://\S+|\bwww\.\S+", re.DOTALL)
# A letter of any script on either side makes it part of a word; accents may stand apart from their letter.
_WORD = r"[\w\u0300-\u036f\u200c\u200d]"
_NAME = re.compile(rf"(?<!{_WORD})(?<![@/.+-])@([A-Za-z0-9][A-Za-z0-9_.-]{{0,49}}+)(?!{_WORD}|@)")


def names_in(text: str) -> list[tuple[str, ...]]:
    """Return for each of the first names in the text what it may mean: a full stop may be the name's or the sentence's.

    Each is said once, in small letters, at most `MAX` of them.
    """
    if "@" not in text:
        return []
    found: dict[tuple[str, ...], None] = {}
    for match in _NAME.finditer(_ASIDE.sub(" ", text)):
        full = match[1].lower()
        found[tuple(dict.fromkeys((full, full.rstrip("._-"))))] = None
        if len(found) == MAX:
            break
    return list(found)
