"""References of every YAML key, from the schemas."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from knowledge.library.library import PACKAGED
from knowledge.library.schemas import SCHEMAS, SchemaFile, schema_of
from knowledge.library.yaml_files import read_values

#: Files with what no file of the release needs, by the name of their schema.
EXAMPLES = Path(__file__).parent / "examples"
PAGES = tuple(file.name for file in SCHEMAS)
_DEFINITIONS = "#/$defs/"
_MAX_EXAMPLE = 90
_MAX_LINES = 90
Examples = dict[tuple[str, str], Any]


def pages() -> Iterator[tuple[str, str]]:
    """Iterate over the pages by name."""
    for file in SCHEMAS:
        yield file.name, _page(file)


def example_files(file: SchemaFile) -> list[Path]:
    """List the files from which examples are taken, the simplest first."""
    own = EXAMPLES / f"{file.name}.yml"
    patterns = (file.pattern, f"packs/*/{file.pattern}")
    released = [path for pattern in patterns for path in sorted(PACKAGED.glob(pattern))]
    return [*released, *([own] if own.exists() else [])]


def find_examples(file: SchemaFile, schema: Mapping[str, Any]) -> Examples:
    """Return a value of each key by definition, as some file has it."""
    examples: Examples = {}
    for path in example_files(file):
        for key, value in _walk(schema, file.name, schema, read_values(path)):
            example = examples.get(key)
            if example is None or (not _fits(example) and _fits(value)):
                examples[key] = value
    return examples


def keys(
    file: SchemaFile, schema: Mapping[str, Any]
) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Iterate over definitions, keys and forms."""
    for name, definition in {file.name: schema, **schema["$defs"]}.items():
        for key, form in definition.get("properties", {}).items():
            yield name, key, form


def _fits(value: Any) -> bool:
    return value not in (None, "", [], {}) and len(_example_text(value)) <= _MAX_EXAMPLE


def _walk(
    schema: Mapping[str, Any], name: str, form: Mapping[str, Any], value: Any
) -> Iterator[tuple[tuple[str, str], Any]]:
    """Iterate over the keys that a value has, by the definition that says so."""
    if "$ref" in form:
        name = form["$ref"].removeprefix(_DEFINITIONS)
        yield from _walk(schema, name, schema["$defs"][name], value)
        return
    for branch in (*form.get("anyOf", ()), *form.get("oneOf", ())):
        whole = {**branch, "$defs": schema["$defs"]}
        if "required" not in branch and Draft202012Validator(whole).is_valid(value):
            yield from _walk(schema, name, branch, value)
            break
    if isinstance(value, list) and "items" in form:
        for item in value:
            yield from _walk(schema, name, form["items"], item)
    if isinstance(value, dict):
        for key, item in value.items():
            inner = form.get("properties", {}).get(key)
            if inner is not None:
                yield (name, key), item
            other = inner or form.get("additionalProperties")
            if isinstance(other, dict):
                yield from _walk(schema, name, other, item)


# --- pages ----------------------------------------------------------------------------------------


def _page(file: SchemaFile) -> str:
    schema = schema_of(file)
    examples = find_examples(file, schema)
    parts = [
        f"# `{file.pattern}`",
        _text(schema["description"]),
        f"The schema for editors is `schemas/{file.name}.json`.",
        _table(file.name, schema, examples),
    ]
    for name, definition in schema["$defs"].items():
        if "properties" in definition:
            parts += [
                f"({_label(file, name)})=\n## {_heading(name)}",
                _text(definition.get("description", "")),
            ]
            parts.append(_table(name, definition, examples, file))
        elif "enum" in definition:
            parts += [
                f"({_label(file, name)})=\n## {_heading(name)}",
                _text(definition.get("description", "")),
            ]
            parts.append(_values(definition))
    parts.append(_whole_file(file))
    return "\n\n".join(filter(None, parts)).replace("PAGE:", f"{file.name}-") + "\n"


def whole_example(file: SchemaFile) -> str:
    """Return the richest example file that fits a page, if any."""
    texts = [path.read_text(encoding="utf-8") for path in example_files(file)]
    return max((text for text in texts if text.count("\n") <= _MAX_LINES), key=len, default="")


def _whole_file(file: SchemaFile) -> str:
    text = whole_example(file)
    if not text:
        return ""
    intro = "The examples above are cut short; this one can be copied."
    return f"## A whole file\n\n{intro}\n\n```yaml\n{text}```"


def _label(file: SchemaFile, name: str) -> str:
    return f"{file.name}-{name.lower()}"


def _heading(name: str) -> str:
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
    return words.strip().capitalize()


def _table(
    name: str,
    definition: Mapping[str, Any],
    examples: Examples,
    file: SchemaFile | None = None,
) -> str:
    required = definition.get("required", ())
    rows = ["| key | value | default | meaning | example |", "| --- | --- | --- | --- | --- |"]
    for key, form in definition["properties"].items():
        default = "**needed**" if key in required else _code(form.get("default"))
        example = _code(examples.get((name, key)))
        cells = (f"`{key}`", _form(form), default, _text(form.get("description", "")), example)
        rows.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(rows)


def _values(definition: Mapping[str, Any]) -> str:
    meanings = definition.get("enumDescriptions", [""] * len(definition["enum"]))
    lines = []
    for value, meaning in zip(definition["enum"], meanings, strict=True):
        lines.append(f"- `{value}`: {_text(meaning)}" if meaning else f"- `{value}`")
    return "\n".join(lines)


def _form(form: Mapping[str, Any]) -> str:
    if "$ref" in form:
        name = form["$ref"].removeprefix(_DEFINITIONS)
        return f"[{_heading(name).lower()}](#PAGE:{name.lower()})"
    branches = [*form.get("anyOf", ()), *form.get("oneOf", ())]
    branches = [branch for branch in branches if branch.get("type") != "null"]
    if branches:
        return " or ".join(dict.fromkeys(_form(branch) for branch in branches))
    if "enum" in form:
        return ", ".join(f"`{value}`" for value in form["enum"])
    if "const" in form:
        return f"`{form['const']}`"
    match form.get("type"):
        case "array":
            return f"list of {_form(form.get('items', {}))}{_count(form, 'Items')}"
        case "object" if isinstance(form.get("additionalProperties"), dict):
            return f"by name: {_form(form['additionalProperties'])}"
        case "object":
            return ", ".join(f"`{key}`" for key in form.get("properties", {}))
        case "string":
            return f"text{_count(form, 'Length')}"
        case "integer" | "number" as kind:
            return f"{kind}{_range(form)}"
        case "boolean":
            return "`true` or `false`"
        case _:
            return "value"


def _count(form: Mapping[str, Any], what: str) -> str:
    limit = form.get(f"max{what}")
    return f" (at most {limit:,})" if limit else ""


def _range(form: Mapping[str, Any]) -> str:
    lowest, highest = form.get("minimum"), form.get("maximum")
    if lowest is None or highest is None:
        return f" from {lowest:g}" if lowest is not None else ""
    return f" from {lowest:,g} to {highest:,.0f}"


def _example_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _code(value: Any) -> str:
    if value is None or value == []:
        return ""
    text = " ".join(_example_text(value).split())
    if len(text) > _MAX_EXAMPLE:
        text = f"{text[:_MAX_EXAMPLE]} …"
    return f"``{text}``" if text and "`" not in text else ""


def _text(text: str) -> str:
    return " ".join(text.split()).replace("<", "&lt;").replace("*", "\\*")
