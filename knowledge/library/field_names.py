"""The fields that a file may have, for suggestions."""

from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter
from pydantic.errors import PydanticInvalidForJsonSchema

from bot.cases.playbook import Playbook
from bot.cases.policy import Policy
from knowledge.library.channels import ChannelsFile
from knowledge.library.places import PLAYBOOKS, Way
from knowledge.library.sources import SourcesFile
from knowledge.library.systems import SystemsFile

_SHAPES: dict[str, Any] = {
    "policy.yml": Policy,
    "systems.yml": SystemsFile,
    "sources.yml": SourcesFile,
    "channels.yml": ChannelsFile,
}


def field_names(file: str, way: Way) -> list[str]:
    """List the fields that may stand at a place.

    All of the file's where that is not known.
    """
    shape = Playbook if PLAYBOOKS in file else _SHAPES.get(file)
    if shape is None:
        return []
    try:
        schema = TypeAdapter(shape).json_schema()
    except PydanticInvalidForJsonSchema:
        return []
    nodes = [schema]
    for part in way:
        nodes = [inner for node in nodes for inner in _step(node, part, schema)] or nodes
    names = {name for node in nodes for one in _variants(node, schema) for name in _own(one)}
    return sorted(names)


def _own(node: dict[str, Any]) -> Iterator[str]:
    # Names that no author writes stand in brackets.
    yield from (name for name in node.get("properties", {}) if not name.startswith("["))


def _step(node: dict[str, Any], part: int | str, schema: dict[str, Any]) -> Iterator[Any]:
    for one in _variants(node, schema):
        if isinstance(part, int):
            inner = one.get("items")
        else:
            inner = one.get("properties", {}).get(part) or one.get("additionalProperties")
        if isinstance(inner, dict):
            yield inner


def _variants(node: dict[str, Any], schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Resolve references and alternatives."""
    reference = node.get("$ref")
    if reference:
        node = schema["$defs"][reference.rpartition("/")[2]]
    alternatives = [*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ())]
    if not alternatives:
        yield node
    for alternative in alternatives:
        yield from _variants(alternative, schema)
