"""The schemas are current, and say what the loader says."""

import copy
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
from jsonschema import Draft202012Validator
from pydantic import ConfigDict, TypeAdapter, ValidationError

from bot.cases.errors import PlaybookInvalid
from knowledge.library.library import PACKAGED
from knowledge.library.presets import PresetFiles
from knowledge.library.schemas import FOLDER, SCHEMAS, SchemaFile, schema_of, schema_text
from knowledge.library.yaml_files import read_raw, read_values

Place = tuple[str | int, ...]
BY_NAME = {file.name: file for file in SCHEMAS}
#: What a hand may write in place of a value.
WRONG_VALUES = (
    None,
    7,
    -3,
    1.5,
    "text",
    "",
    [],
    {},
    "5 minutes",
    "0s",
    "?",
    "U12",
    "2026-01-01",
    ["a"],
    {"a": "b"},
)
#: Presets are alike; so many of them will do.
MAX_FILES = 14
MUTATIONS_PER_FILE = 24
# What a schema cannot say: that one value fits another, a text of a language, or another file.
OWN_CHECKS = {"value_error", "int_parsing", "less_than_equal", "greater_than_equal"}


@cache
def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(schema_of(BY_NAME[name]))


@cache
def adapter(name: str) -> TypeAdapter[Any]:
    shape = cast(Any, tuple)[BY_NAME[name].shape]
    return TypeAdapter(shape, config=ConfigDict(extra="forbid"))


def library_files(file: SchemaFile) -> list[Path]:
    paths = [*PACKAGED.glob(file.pattern), *PACKAGED.glob(f"packs/*/{file.pattern}")]
    return sorted(paths)[:MAX_FILES]


def complaints(file: SchemaFile, values: Any) -> str:
    """Return what the loader says of these values in a file; empty for nothing."""
    # JSON is YAML.
    raw = json.dumps(values).encode()
    complete = PresetFiles(PACKAGED).complete if file.name == "sources" else None
    try:
        read_raw(Path(f"{file.name}.yml"), raw, file.shape, complete=complete)
    except PlaybookInvalid as error:
        return str(error)
    return ""


def error_types(file: SchemaFile, values: Any) -> set[str]:
    try:
        if file.name == "sources":
            values = PresetFiles(PACKAGED).complete(values)
        adapter(file.name).validate_python((values,))
    except PlaybookInvalid:
        return {"value_error"}
    except ValidationError as error:
        return {details["type"] for details in error.errors()}
    return set()


def places(values: Any, place: Place = ()) -> Iterator[Place]:
    yield place
    if not isinstance(values, dict | list):
        return
    entries = values.items() if isinstance(values, dict) else enumerate(values)
    for key, value in entries:
        yield from places(value, (*place, key))


def shortened(values: Any) -> Any:
    """Cut long texts: to find the line of a mistake takes the loader a while."""
    match values:
        case dict():
            return {key: shortened(value) for key, value in values.items()}
        case str() if len(values) > 4_000:
            return values.splitlines()[0]
        case _:
            return values


def changed(values: Any, place: Place, change: Callable[[Any, Any], None]) -> Any:
    """Return a copy in which the value at this place is changed within what is around it."""
    result = copy.deepcopy(values)
    around = result
    for part in place[:-1]:
        around = around[part]
    change(around, place[-1])
    return result


def mutations(values: Any, rng: random.Random) -> Iterator[Any]:
    def drop(around: Any, key: Any) -> None:
        del around[key]

    def misspell(around: Any, key: Any) -> None:
        if isinstance(around, dict):
            around[f"{key}x"] = around.pop(key)

    def replace(around: Any, key: Any) -> None:
        around[key] = rng.choice(WRONG_VALUES)

    inner_places = list(places(values))[1:]
    for _ in range(MUTATIONS_PER_FILE):
        yield changed(values, rng.choice(inner_places), rng.choice([drop, misspell, replace]))


@pytest.mark.parametrize("file", SCHEMAS, ids=lambda file: file.name)
def test_the_schemas_in_the_release_are_those_of_the_definitions(file: SchemaFile) -> None:
    assert file.path.read_text() == schema_text(file), "run python -m knowledge.library.schemas"


def test_no_other_schema_is_in_the_release() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(BY_NAME)


@pytest.mark.parametrize("file", SCHEMAS, ids=lambda file: file.name)
def test_every_schema_is_one_and_takes_the_files_of_the_release(file: SchemaFile) -> None:
    Draft202012Validator.check_schema(schema_of(file))
    for path in library_files(file):
        problems = [error.message for error in validator(file.name).iter_errors(read_values(path))]
        assert not problems, path


def test_the_schemas_agree_with_the_loader_on_files_that_somebody_changed() -> None:
    rng = random.Random(89)
    counts: Counter[str] = Counter()
    for file in SCHEMAS:
        for path in library_files(file):
            values = shortened(read_values(path))
            for number, mutation in enumerate([values, *mutations(values, rng)]):
                counts[_compare(file, mutation, is_asked=number % 10 == 1)] += 1
    assert counts["valid"] >= 200
    assert counts["invalid"] >= 300
    # The loader checks more: they are few, and each of them is a check of our own.
    assert counts["own check"] <= 0.1 * counts.total()


def _compare(file: SchemaFile, values: Any, *, is_asked: bool) -> str:
    fits = validator(file.name).is_valid(values)
    types = error_types(file, values)
    # The loader looks for the line of each mistake, which takes most of the time.
    if is_asked or not types:
        assert bool(complaints(file, values)) is bool(types)
    if fits and types:
        assert types <= OWN_CHECKS, (file.name, types)
        return "own check"
    if not fits and not types:
        problems = [error.message for error in validator(file.name).iter_errors(values)]
        raise AssertionError(f"{file.name}: only the schema refuses: {problems}")
    return "valid" if fits else "invalid"


@pytest.mark.parametrize(
    ("name", "place", "value"),
    [
        ("policy", ("high_above",), 1),
        ("policy", ("tiers", "low", "approvers"), [{"group": "leads", "people": ["U0ANNA"]}]),
        ("playbook", ("stake", "amount"), "signal."),
        ("playbook", ("measure", "resolve_for"), "1s"),
        ("systems", ("systems", "house", "url_env"), "COUNTERSIGN_HOUSE_URL"),
    ],
)
def test_relations_between_values_are_left_to_the_loader(
    name: str, place: Place, value: Any
) -> None:
    file = BY_NAME[name]
    values = read_values(library_files(file)[0])

    def put(around: Any, key: Any) -> None:
        around[key] = value

    mutation = changed(values, place, put)
    assert validator(name).is_valid(mutation)
    if name != "systems":
        assert complaints(file, mutation)


@pytest.mark.parametrize(
    ("name", "place", "value"),
    [("playbook", ("stake", "why"), 7), ("policy", ("largest_scope",), "5")],
)
def test_a_number_in_quotes_is_for_the_editor_to_mark(name: str, place: Place, value: Any) -> None:
    values = read_values(library_files(BY_NAME[name])[0])

    def put(around: Any, key: Any) -> None:
        around[key] = value

    assert not validator(name).is_valid(changed(values, place, put))


@pytest.mark.parametrize("file", SCHEMAS, ids=lambda file: file.name)
def test_every_key_has_a_meaning(file: SchemaFile) -> None:
    schema = schema_of(file)
    definitions = {file.name: schema, **schema["$defs"]}
    nameless = [
        f"{name}.{key}"
        for name, definition in definitions.items()
        for key, form in definition.get("properties", {}).items()
        if "description" not in form
    ]
    assert not nameless
