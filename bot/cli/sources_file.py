"""Changes of ``sources.yml`` that keep all that stands in it."""

import re
from io import StringIO
from pathlib import Path

from ruamel.yaml import YAML

# The first source: its indentation is that of all.
_FIRST_ENTRY = re.compile(
    r"^sources:[^\S\n]*(?:#.*)?\n(?:[^\S\n]*(?:#.*)?\n)*?([ ]+)\S", re.MULTILINE
)
DEFAULT_INDENT = "  "


def add_entry(path: Path, name: str, *, preset: str, kind: str) -> None:
    """Append a source with a preset.

    The file is written whole or not at all. ``sources`` is its only part, so its end is theirs.
    """
    text = path.read_text(encoding="utf-8")
    match = _FIRST_ENTRY.search(text)
    fields = {"preset": preset, **({"kind": kind} if kind else {})}
    if match is None:
        # There is none yet, or they stand in braces.
        text = _rewrite(text, name, fields)
    else:
        indent = match[1]
        lines = [f"{indent}{name}:", *(f"{indent * 2}{key}: {fields[key]}" for key in fields)]
        text = "\n".join([text.rstrip("\n"), *lines, ""])
    draft = path.with_suffix(".yml.new")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def _rewrite(text: str, name: str, fields: dict[str, str]) -> str:
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    document = yaml.load(text) or {}
    document["sources"] = {**(document.get("sources") or {}), name: fields}
    out = StringIO()
    yaml.dump(document, out)
    return out.getvalue()
