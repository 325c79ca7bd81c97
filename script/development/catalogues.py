"""Compile the catalogues of translations without gettext's tools: `python -m script.development.catalogues`.

What is compiled is kept in the repository, so that a fresh clone speaks every language. The texts are collected by
`manage.py makemessages -l de --no-location`, and with `-d djangojs` those of scripts; both need those tools.
"""

import ast
import json
import struct
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
LOCALE = CHECKOUT / "locale"
WORDS = CHECKOUT / "static" / "tidewire" / "words"
MAGIC, HEADER = 0x950412DE, 28


def main() -> None:
    """Compile every catalogue."""
    for path in LOCALE.glob("*/LC_MESSAGES/django.po"):
        path.with_suffix(".mo").write_bytes(compiled(path.read_text("utf-8")))
    for path in LOCALE.glob("*/LC_MESSAGES/djangojs.po"):
        (WORDS / f"{path.parts[-3]}.js").write_text(script(path.read_text("utf-8")), "utf-8")


def script(text: str) -> str:
    """Return a catalogue as a module for pages, which need not ask the server for it."""
    found = {key.split("\0")[0]: value.split("\0") for key, value in messages(text).items() if key}
    words = {key: forms if len(forms) > 1 else forms[0] for key, forms in found.items()}
    return f"globalThis.tidewireWords = {json.dumps(words, ensure_ascii=False, indent=2, sort_keys=True)};\n"


def compiled(text: str) -> bytes:
    """Return a catalogue in the binary form that gettext reads."""
    pairs = sorted((key.encode(), value.encode()) for key, value in messages(text).items() if value.strip("\0"))
    keys, values, start = b"", b"", HEADER + 16 * len(pairs)
    key_table, value_table = [], []
    for key, value in pairs:
        key_table.append((len(key), len(keys)))
        value_table.append((len(value), len(values)))
        keys, values = keys + key + b"\0", values + value + b"\0"
    table = [(size, start + offset) for size, offset in key_table]
    table += [(size, start + len(keys) + offset) for size, offset in value_table]
    count = len(pairs)
    head = struct.pack("<7I", MAGIC, 0, count, HEADER, HEADER + 8 * count, 0, 0)
    return head + b"".join(struct.pack("<2I", *row) for row in table) + keys + values


def messages(text: str) -> dict[str, str]:
    """Return what is translated to what; forms for several numbers are joined by NUL, as gettext has them."""
    found = {}
    for block in text.split("\n\n"):
        parts = dict(_parts(block))
        if "msgid" in parts:
            key = "\0".join(parts[name] for name in ("msgid", "msgid_plural") if name in parts)
            found[key] = "\0".join(value for name, value in parts.items() if name.startswith("msgstr"))
    return found


def _parts(block: str) -> Iterator[tuple[str, str]]:
    name, value = "", ""
    for line in block.splitlines():
        if line.startswith("#"):
            continue
        word, _, rest = line.partition(" ")
        if word.startswith("msg"):
            if name:
                yield name, value
            name, value = word, ast.literal_eval(rest)
        elif line:
            value += ast.literal_eval(line)
    if name:
        yield name, value


if __name__ == "__main__":
    main()
