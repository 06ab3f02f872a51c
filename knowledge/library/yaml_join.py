"""YAML files of several packs joined into one, with their comments.

The text of an entry is copied as it stands, with the comment above it. So it looks in the joined
file as its author wrote it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node

from bot.cases.errors import Refusal

#: The mappings whose entries are joined, by key; "*" stands for every key.
Entries: TypeAlias = Mapping[str, "Entries"]
#: Lists of these names are joined item by item.
JOINED_LISTS = frozenset({"never_alone", "whole_desk_digest"})


@dataclass(frozen=True, slots=True)
class PackDocument:
    """One file of one pack."""

    pack: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry of a mapping, from the comment above to its end."""

    first_line: int
    end_line: int
    column: int
    value: Node


def join_files(files: Sequence[PackDocument], entries: Entries) -> str:
    """Join files of one name into the first.

    Raises:
        Refusal: two of them say different things under one name.
    """
    base, *others = files
    for other in others:
        base = PackDocument(base.pack, base.name, _join(base, other, entries=entries, place=()))
    return base.text


def _join(
    base: PackDocument, other: PackDocument, *, entries: Entries, place: tuple[str, ...]
) -> str:
    """Add what only the other file has at this place."""
    text = base.text
    theirs = _entries_at(other.text, place)
    for key, entry in theirs.items():
        here = (*place, key)
        ours = _entries_at(text, place)
        below = entries.get(key, entries.get("*"))
        if key not in ours:
            text = _insert(text, ours, source=other.text, entry=entry, name=base.name)
        elif below is not None:
            file = PackDocument(base.pack, base.name, text)
            text = _join(file, other, entries=below, place=here)
        elif key in JOINED_LISTS and not place:
            text = _join_list(
                text, ours[key], theirs=_value(other.text, here), ours=_value(text, here)
            )
        elif _value(text, here) != _value(other.text, here):
            raise Refusal(
                f"{base.pack} and {other.pack} say different things of {'.'.join(here)} in"
                f" {base.name}: make them alike, or write them into two libraries"
            )
    return text


def _insert(text: str, ours: Mapping[str, _Entry], *, source: str, entry: _Entry, name: str) -> str:
    """Put the lines of an entry behind a mapping's last one."""
    if not ours:
        raise Refusal(f"{name}: an empty mapping cannot be joined; leave it out")
    last = max(ours.values(), key=lambda item: item.end_line)
    lines = text.splitlines()
    block = source.splitlines()[entry.first_line : entry.end_line]
    shift = last.column - entry.column
    lines[last.end_line : last.end_line] = [_indent(line, shift) for line in block]
    return "\n".join(lines) + "\n"


def _indent(line: str, shift: int) -> str:
    if not line.strip():
        return line
    return " " * shift + line if shift >= 0 else line.removeprefix(" " * -shift)


def _join_list(text: str, entry: _Entry, *, theirs: Any, ours: Any) -> str:
    """Add the items that are missing to a list in one line."""
    items = [*ours, *(item for item in theirs if item not in ours)]
    lines = text.splitlines()
    line = entry.value.start_mark.line
    before = lines[line][: entry.value.start_mark.column]
    after = lines[entry.value.end_mark.line][entry.value.end_mark.column :]
    lines[line : entry.value.end_mark.line + 1] = [f"{before}[{', '.join(items)}]{after}"]
    return "\n".join(lines) + "\n"


def _entries_at(text: str, place: tuple[str, ...]) -> dict[str, _Entry]:
    """Return the entries of the mapping at this place, by key."""
    node: Any = YAML(typ="rt").compose(text)
    for key in place:
        node = next(value for name, value in node.value if name.value == key)
    if not isinstance(node, MappingNode):
        return {}
    if node.flow_style and node.value:
        raise Refusal(f"{'.'.join(place)}: write one entry a line, so that it can be joined")
    lines = text.splitlines()
    entries: dict[str, _Entry] = {}
    ends = [_first_line(lines, name.start_mark.line) for name, _ in node.value[1:]]
    ends.append(_end_line(lines, node.end_mark))
    for (name, value), end in zip(node.value, ends, strict=True):
        entries[name.value] = _Entry(
            first_line=_first_line(lines, name.start_mark.line),
            end_line=end,
            column=name.start_mark.column,
            value=value,
        )
    return entries


def _first_line(lines: Sequence[str], line: int) -> int:
    """Return the first line of the comment right above a line."""
    while line > 0 and lines[line - 1].lstrip().startswith("#"):
        line -= 1
    return line


def _end_line(lines: Sequence[str], mark: Any) -> int:
    """Return the line behind a mapping, before the comments of what follows."""
    end: int = min(mark.line, len(lines))
    # A mapping in one line ends within it; any other one at the beginning of the next token.
    if end < len(lines) and lines[end][: mark.column].strip():
        end += 1
    while end > 0 and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    return end


def _value(text: str, place: tuple[str, ...]) -> Any:
    value = YAML(typ="safe", pure=True).load(text)
    for key in place:
        value = value[key]
    return value
