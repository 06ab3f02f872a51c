"""The reference of ledger entries, with an example of each.

The examples are entries of real runs. ``python docs/site/entries_page.py FILE…`` takes those that
are missing from ledgers of bots that have run: SQLite files or exports.
"""

import json
import re
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from functools import cache
from inspect import cleandoc, getsource
from pathlib import Path
from typing import Any, get_args, get_type_hints

import yaml

from bot.cases import entries
from bot.cases.actor import ActorKind, Surface
from bot.cases.entries import BODIES, Body, CaseBody
from bot.cases.lifecycle import TRANSITIONS, State, Transition
from knowledge.library.schemas import field_comments

#: Entries of real runs, one a line.
EXAMPLES = Path(__file__).parent / "examples" / "entries.jsonl"
#: What names of fields mean that have no comment where they are defined.
MEANINGS = Path(__file__).parent / "entry_fields.yml"
_RULE = "# --- "
_PLAIN_NAMES = {
    "str": "text",
    "int": "integer",
    "float": "number",
    "bool": "true or false",
    "datetime": "time, UTC",
    "timedelta": "duration (ISO 8601)",
    "Decimal": "decimal text",
}
#: The parts of every entry beside its body.
_FRAME = {
    "type": ("text", "name of the entry"),
    "case": ("text", "number of the case, or of the desk's own record"),
    "version": ("integer", "counts the entries of this case, from 1"),
    "revision": ("integer", "counts the plans of this case"),
    "at": ("time, UTC", "when it was written"),
    "actor": ("text", "who did it: the sort (KINDS), a colon and the id"),
    "surface": ("text", "where: SURFACES; old ledgers may have others"),
    "body": ("object", "the fields of the entry, below"),
    "salt": ("text", "random; goes when a person is erased from the entry"),
}


def page() -> str:
    """Write the page."""
    parts = [_INTRODUCTION, _frame_table()]
    for chapter, bodies in _chapters():
        parts.append(f"## {chapter}")
        for body in bodies:
            parts += _section(body)
    parts.append("## Parts of entries")
    parts += [part for shape in _shapes() for part in _shape_section(shape)]
    return "\n\n".join(parts) + "\n"


_INTRODUCTION = """# Entries of the ledger

Each line of the ledger is one entry of those below. [The ledger](../ledger.md) says how entries are
hashed, chained and verified. Names and fields of a release never change; a new field has a default,
which is how older entries are read. *Optional* is a field with a default.

Every entry has these parts:"""


def examples() -> Mapping[str, str]:
    """Read the examples: an entry as it stands in a ledger, by its name."""
    lines = EXAMPLES.read_text(encoding="utf-8").splitlines()
    return {json.loads(line)["type"]: line for line in lines}


def find_examples(file: Path) -> Iterator[str]:
    """Iterate over the entries of an export or an SQLite file."""
    if file.suffix == ".jsonl":
        for line in file.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)["entry"]
        return
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    for (body,) in connection.execute("SELECT body FROM ledger ORDER BY seq"):
        yield bytes(body).decode()


def add_examples(files: list[Path]) -> list[str]:
    """Write the shortest entry of each name without example.

    Returns the names that are still missing.
    """
    shortest_lines: dict[str, str] = {}
    for file in files:
        for line in find_examples(file):
            name = json.loads(line)["type"]
            if len(line) < len(shortest_lines.get(name, line + " ")):
                shortest_lines[name] = line
    all_examples = {**shortest_lines, **examples()}
    ordered = [all_examples[name] for name in sorted(all_examples)]
    EXAMPLES.write_text("\n".join(ordered) + "\n", encoding="utf-8")
    return sorted(BODIES.keys() - all_examples.keys())


# --- sections -------------------------------------------------------------------------------------


def _frame_table() -> str:
    rows = [f"| `{name}` | {kind} | {meaning} |" for name, (kind, meaning) in _FRAME.items()]
    table = "\n".join(["| part | value | meaning |", "| --- | --- | --- |", *rows])
    return table.replace("KINDS", _values(ActorKind)).replace("SURFACES", _values(Surface))


def _values(choice: type[Enum]) -> str:
    return ", ".join(f"`{one.value}`" for one in choice)


def _chapters() -> Iterator[tuple[str, list[type[Body]]]]:
    """Iterate over the chapters of the module with their entries, in its order."""
    source = Path(entries.__file__).read_text(encoding="utf-8")
    chapter, bodies = "", list[type[Body]]()
    for line in source.splitlines():
        if line.startswith(_RULE):
            if bodies:
                yield chapter, bodies
            chapter, bodies = line.removeprefix(_RULE).strip("- ").capitalize(), []
        elif line.startswith('@_entry("'):
            bodies.append(BODIES[line.split('"')[1]])
    if bodies:
        yield chapter, bodies


def _section(body: type[Body]) -> Iterator[str]:
    yield f"({_anchor(body.name)})=\n### `{body.name}`"
    yield _plain(cleandoc(body.__doc__ or ""))
    of_case = body in get_args(CaseBody)
    yield _moment(body) if of_case else "*Written* into the desk's own record."
    yield _table(body)
    example = examples().get(body.name)
    if example:
        text = json.dumps(json.loads(example), ensure_ascii=False, indent=2)
        yield f"```json\n{text}\n```"


def _moment(body: type[Body]) -> str:
    """Say in which states the entry is written, and what follows."""
    arrows = [
        (before, after)
        for transition in _transitions(body)
        for before in State
        if (after := TRANSITIONS.get((before, transition)))
    ]
    ways: dict[State, list[State]] = {}
    for before, after in arrows:
        if before is not after:
            ways.setdefault(after, []).append(before)
    places = [before for before, after in arrows if before is after]
    parts = [f"{_states(before)} → `{after}`" for after, before in ways.items()]
    if places:
        is_any = len(places) >= len(State) - 1
        parts.append(f"in {'any state' if is_any else _states(places)}, and leaves it as it is")
    return f"*Written* {'; '.join(parts)}."


def _transitions(body: type[Body]) -> list[Transition]:
    """Return the transitions of an entry; some depend on its fields."""
    if body.transition is Body.transition:
        return [body.usual_transition]
    names = re.findall(r"Transition\.([A-Z_]+)", getsource(body.transition.fget))
    return [Transition[name] for name in names]


def _states(states: Iterable[State]) -> str:
    return ", ".join(f"`{state}`" for state in states)


def _shape_section(shape: type) -> Iterator[str]:
    yield f"({_anchor(shape.__name__)})=\n### {shape.__name__}"
    yield _plain(cleandoc(shape.__doc__ or ""))
    if issubclass(shape, Enum):
        yield f"One of {_values(shape)}."
    else:
        yield _table(shape)


def _table(shape: type) -> str:
    if not fields(shape):
        return "It has no fields."
    hints, meanings = get_type_hints(shape), comments(shape)
    rows = [
        f"| `{field.name}` | {_type_name(hints[field.name])}{_optional(field)} |"
        f" {_plain(meanings.get(field.name, ''))} |"
        for field in fields(shape)
    ]
    return "\n".join(["| field | value | meaning |", "| --- | --- | --- |", *rows])


def _optional(field: Field[Any]) -> str:
    has_default = field.default is not MISSING or field.default_factory is not MISSING
    return ", *optional*" if has_default else ""


def _type_name(hint: Any) -> str:
    """Name a type as a reader of JSON knows it."""
    if isinstance(hint, type) and hint in _shapes():
        return f"[{hint.__name__}](#{_anchor(hint.__name__)})"
    return _PLAIN_NAMES.get(getattr(hint, "__name__", str(hint)), _composed_name(hint))


def _composed_name(hint: Any) -> str:
    arguments = [one for one in get_args(hint) if one not in (type(None), ...)]
    name = getattr(getattr(hint, "__origin__", None), "__name__", "")
    if name in ("tuple", "list", "Sequence", "frozenset"):
        return f"list of {_type_name(arguments[0])}"
    if name in ("dict", "Mapping"):
        return "object"
    if type(None) in get_args(hint):
        return f"{' or '.join(map(_type_name, arguments))}, or null"
    if arguments:
        return " or ".join(dict.fromkeys(map(_type_name, arguments)))
    return _type_name(hint.__supertype__) if hasattr(hint, "__supertype__") else _plain(str(hint))


# --- shapes ---------------------------------------------------------------------------------------


@cache
def _shapes() -> tuple[type, ...]:
    """Return the parts that entries are made of, by name."""
    parts: set[type] = set()
    rest: list[Any] = list(BODIES.values())
    while rest:
        hint = rest.pop()
        for part in _parts(hint):
            if part not in parts:
                parts.add(part)
                rest.append(part)
    return tuple(sorted(parts, key=lambda shape: shape.__name__))


def _parts(hint: Any) -> Iterator[type]:
    """Iterate over the shapes that a type names directly."""
    if is_dataclass(hint):
        hints = get_type_hints(hint)
        rest = [hints[field.name] for field in fields(hint)]
    else:
        rest = [hint]
    while rest:
        one = rest.pop()
        if isinstance(one, type) and (is_dataclass(one) or issubclass(one, Enum)):
            yield one
        rest += get_args(one)


def comments(shape: type) -> Mapping[str, str]:
    """Return the meaning of each field, by its comment or name."""
    usual = _usual_meanings()
    own = field_comments(shape)
    return {
        field.name: own.get(field.name)
        or usual.get(f"{shape.__name__}.{field.name}")
        or usual.get(field.name, "")
        for field in fields(shape)
    }


@cache
def _usual_meanings() -> Mapping[str, str]:
    meanings: dict[str, str] = yaml.safe_load(MEANINGS.read_text(encoding="utf-8"))
    return meanings


def _anchor(name: str) -> str:
    return f"entry-{name.replace('.', '-').replace('_', '-').lower()}"


def _plain(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    missing = add_examples([Path(name) for name in sys.argv[1:]])
    print("\n".join(missing) or "every entry has an example")
