"""JSON Schemas of the YAML files, made from their definitions.

An editor checks and explains a file by its schema. ``python -m knowledge.library.schemas`` writes
them into ``knowledge/schemas``.
"""

import ast
import inspect
import json
import textwrap
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, cast

from pydantic import ConfigDict, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from bot.cases.playbook import Playbook
from bot.cases.policy import LIMIT_NAMES, TIER_NAMES, Policy
from knowledge.library.channels import ChannelsFile
from knowledge.library.packs import PackFile
from knowledge.library.people import PeopleFile
from knowledge.library.presets import Preset
from knowledge.library.programs import ProgramsFile
from knowledge.library.questions import QuestionsFile
from knowledge.library.recognition import RecognitionFile
from knowledge.library.sources import SourcesFile
from knowledge.library.systems import SystemsFile

FOLDER = Path(__file__).parent.parent / "schemas"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
# Fields that no author writes: the program fills them in.
_KEY = "[key]"
_COMPUTED = ("[computed]", _KEY)
_DEFINITIONS = "#/$defs/"
_DECIMAL = r"^\s*[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?\s*$"


@dataclass(frozen=True, slots=True)
class SchemaFile:
    """The schema of one sort of file."""

    name: str
    #: The files, below the folder of a library.
    pattern: str
    shape: Any
    meaning: str

    @property
    def path(self) -> Path:
        """Return where the release keeps it."""
        return FOLDER / f"{self.name}.json"


SCHEMAS = (
    SchemaFile(
        "playbook", "playbooks/*.yml", shape=Playbook, meaning="How one kind of case is handled."
    ),
    SchemaFile("policy", "policy.yml", shape=Policy, meaning="Limits, risk, and who must say yes."),
    SchemaFile(
        "systems",
        "systems.yml",
        shape=SystemsFile,
        meaning="The outside systems and their actions.",
    ),
    SchemaFile(
        "sources", "sources.yml", shape=SourcesFile, meaning="Who may send signals, and how."
    ),
    SchemaFile(
        "channels", "channels.yml", shape=ChannelsFile, meaning="Working hours, and who is called."
    ),
    SchemaFile(
        "people", "people.yml", shape=PeopleFile, meaning="The accounts that belong to one person."
    ),
    SchemaFile(
        "programs",
        "programs.yml",
        shape=ProgramsFile,
        meaning="The programs that ask for approvals.",
    ),
    SchemaFile(
        "recognition", "recognition.yml", shape=RecognitionFile, meaning="What earns points."
    ),
    SchemaFile(
        "questions", "questions.yml", shape=QuestionsFile, meaning="How people ask, to learn from."
    ),
    SchemaFile(
        "pack", "pack.yml", shape=PackFile, meaning="What a pack is, and the figures to watch."
    ),
    SchemaFile(
        "preset", "sources/*.yml", shape=Preset, meaning="How the requests of a product are read."
    ),
)


def schema_of(file: SchemaFile) -> dict[str, Any]:
    """Make the schema of one sort of file."""
    # As the loader does: the tuple brings the configuration that refuses unknown fields.
    adapter: TypeAdapter[Any] = TypeAdapter(
        cast(Any, tuple)[file.shape], config=ConfigDict(extra="forbid")
    )
    whole = adapter.json_schema(schema_generator=_Generator)
    (root,) = whole["prefixItems"]
    definitions = whole["$defs"]
    for name, complete in _COMPLETIONS.items():
        if name in definitions:
            complete(definitions[name])
    _name_keys(whole, definitions)
    top = dict(definitions.pop(root["$ref"].removeprefix(_DEFINITIONS)))
    description = f"{file.meaning} {top.pop('description', '')}".strip()
    return {
        "$schema": DIALECT,
        "title": f"{file.pattern} of Countersign",
        "description": description,
        **top,
        "$defs": dict(sorted(definitions.items())),
    }


def schema_text(file: SchemaFile) -> str:
    """Return the content of the schema's file."""
    return json.dumps(schema_of(file), indent=1, ensure_ascii=False) + "\n"


def write_schemas(folder: Path) -> None:
    """Write every schema into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in SCHEMAS:
        (folder / file.path.name).write_text(schema_text(file), encoding="utf-8")


# --- what Pydantic cannot see ---------------------------------------------------------------------


def _with_unlimited(limit: dict[str, Any]) -> None:
    """Require a limit, or the word that there is none."""
    form = {"type": "boolean", "description": "True where the action shall have no limit."}
    limit["properties"] = {"unlimited": form, **limit["properties"]}
    has_limit = [{"required": [name]} for name in LIMIT_NAMES]
    limit["anyOf"] = [{"required": ["unlimited"]}, *has_limit]


def _with_tier_names(policy: dict[str, Any]) -> None:
    tiers = policy["properties"]["tiers"]
    entry = tiers.pop("additionalProperties")
    tiers["properties"] = dict.fromkeys(TIER_NAMES, entry)
    tiers["required"] = list(TIER_NAMES)
    tiers["additionalProperties"] = False


def _with_preset(source: dict[str, Any]) -> None:
    """Take from a preset what it says."""
    source.pop("required")
    has_preset = {"required": ["preset"], "properties": {"preset": {"minLength": 1}}}
    source["anyOf"] = [{"required": ["format"]}, has_preset]


def _with_approvers(tier: dict[str, Any]) -> None:
    tier["properties"]["approvers"]["minItems"] = 1


#: By definition: what a check of the loader lets in or asks for beside the fields.
_COMPLETIONS: Mapping[str, Callable[[dict[str, Any]], None]] = {
    "ActionLimit": _with_unlimited,
    "Policy": _with_tier_names,
    "Source": _with_preset,
    "TierRule": _with_approvers,
}


def _name_keys(part: Any, definitions: dict[str, Any]) -> None:
    """Give mappings with named entries the form of the names."""
    for mapping in _mappings(part):
        for reference in _references(mapping["additionalProperties"]):
            form = definitions[reference].get(_KEY)
            if form:
                mapping["propertyNames"] = form
    for definition in definitions.values():
        definition.pop(_KEY, None)


def _mappings(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, list):
        for item in part:
            yield from _mappings(item)
    if isinstance(part, dict):
        if isinstance(part.get("additionalProperties"), dict):
            yield part
        yield from _mappings(list(part.values()))


def _references(form: Mapping[str, Any]) -> list[str]:
    return [
        one["$ref"].removeprefix(_DEFINITIONS) for one in form.get("oneOf", [form]) if "$ref" in one
    ]


# --- comments of the definitions ------------------------------------------------------------------


@cache
def field_comments(definition: Hashable) -> Mapping[str, str]:
    """Return what the definition says of each field in its ``#:`` comments."""
    comments: dict[str, str] = {}
    for parent in reversed(cast(type, definition).__mro__):
        if parent.__module__.partition(".")[0] in {"bot", "knowledge"}:
            comments.update(_own_comments(parent))
    return comments


def _own_comments(cls: type) -> Iterator[tuple[str, str]]:
    source = textwrap.dedent(inspect.getsource(cls))
    lines = source.splitlines()
    (definition,) = ast.parse(source).body
    assert isinstance(definition, ast.ClassDef)  # noqa: S101
    for statement in definition.body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                comment = _comment_above(lines, statement.lineno - 1)
                if comment:
                    yield name, comment


def _comment_above(lines: list[str], line: int) -> str:
    """Join the comment that ends just above a line."""
    words: list[str] = []
    while line and lines[line - 1].lstrip().startswith("#:"):
        line -= 1
        words.insert(0, lines[line].strip().removeprefix("#:").strip())
    return " ".join(words).replace("``", "`")


def _first_paragraph(cls: type) -> str:
    text = inspect.cleandoc(cls.__doc__ or "")
    if text.startswith(f"{cls.__name__}("):
        # What a dataclass writes itself.
        return ""
    return " ".join(text.split()).replace("``", "`")


# --- generator ------------------------------------------------------------------------------------


class _Generator(GenerateJsonSchema):
    """Pydantic's generator, with our comments, and values as people write them."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Leave out titles: they would repeat the names of fields."""
        return False

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchemaValue:
        """Describe each field as its definition does, without what no author writes."""
        cls = schema["cls"]
        result = super().dataclass_schema(schema)
        result.pop("title", None)
        description = _first_paragraph(cls)
        if description:
            result["description"] = description
        comments = field_comments(cast(Hashable, cls))
        arguments: Any = schema["schema"]
        for field in _fields(arguments):
            name = field.get("validation_alias", field["name"])
            if name in _COMPUTED:
                form = result["properties"].pop(name, None)
                if name == _KEY:
                    result[_KEY] = form
                continue
            result["properties"][name] = _describe(
                result["properties"][name], comments.get(field["name"], "")
            )
        required = [name for name in result.get("required", ()) if name not in _COMPUTED]
        if "connector" in result["properties"]:
            # It tells the sorts of systems apart, so its default is never taken.
            required = ["connector", *required]
        result.pop("required", None)
        return {**result, "required": required} if required else result

    def enum_schema(self, schema: core_schema.EnumSchema) -> JsonSchemaValue:
        """Describe each value as its definition does."""
        cls = schema["cls"]
        result = super().enum_schema(schema)
        result.pop("title", None)
        comments = field_comments(cast(Hashable, cls))
        if comments:
            result["enumDescriptions"] = [
                comments.get(member.name, "") for member in schema["members"]
            ]
        return {**result, "description": _first_paragraph(cls)}

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """Refuse keys of another form."""
        result = super().dict_schema(schema)
        patterns = result.pop("patternProperties", None)
        if patterns is None:
            return result
        ((pattern, value),) = patterns.items()
        names = {**result.get("propertyNames", {}), "pattern": pattern}
        return {**result, "propertyNames": names, "additionalProperties": value}

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        """Take an amount as a number, or as text with one."""
        number, text = super().decimal_schema(schema)["anyOf"]
        lowest = number.get("minimum", number.get("exclusiveMinimum", -1))
        is_signed = lowest < 0
        pattern = _DECIMAL if is_signed else _DECIMAL.replace("[-+]", "[+]", 1)
        return {"anyOf": [number, {**text, "pattern": pattern}]}

    def encode_default(self, value: Any) -> Any:
        """Write a default as people write it in a file."""
        match value:
            case timedelta():
                return _duration_text(value)
            case Decimal():
                return int(value) if value == int(value) else float(value)
            case _:
                return super().encode_default(value)

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Leave out defaults that say nothing."""
        result = super().default_schema(schema)
        if result.get("default", "") in (None, "", []):
            result.pop("default", None)
        return result

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        """Leave out what OpenAPI alone reads."""
        result = super().tagged_union_schema(schema)
        result.pop("discriminator", None)
        return result

    def timedelta_schema(self, schema: core_schema.TimedeltaSchema) -> JsonSchemaValue:
        """Refuse durations without a declared form: each has one of ours."""
        raise AssertionError("a duration is a Duration or Span of bot/cases/constraints.py")


def _fields(arguments: Any) -> list[Any]:
    """Return the fields of a dataclass, whatever checks stand around them."""
    while "fields" not in arguments:
        arguments = arguments["schema"]
    fields: list[Any] = arguments["fields"]
    return fields


def _describe(form: JsonSchemaValue, comment: str) -> JsonSchemaValue:
    """Say what a field is for before the form of its value."""
    texts = [comment, _form_text(form)]
    description = " ".join(filter(None, texts))
    return {"description": description, **_without_description(form)} if description else form


def _form_text(form: JsonSchemaValue) -> str:
    branches = (form, *form.get("anyOf", ()))
    return next((branch["description"] for branch in branches if "description" in branch), "")


def _without_description(form: JsonSchemaValue) -> JsonSchemaValue:
    return {name: value for name, value in form.items() if name != "description"}


def _duration_text(span: timedelta) -> str:
    seconds = span.total_seconds()
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds * 1_000:g}ms"


if __name__ == "__main__":
    write_schemas(FOLDER)
