"""The checksums of the definitions of actions in ``systems.yml``."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from bot.cases.canonical import canonical_hash
from bot.connectors.specs import SystemSpec

#: They change what people read, or how long a call may take, and not what is done.
_ACTION_WORDS = ("title", "titles", "past_summary")
_SYSTEM_WORDS = ("title", "timeout", "actions", "lookups")


def definition_checksums(systems: Mapping[str, SystemSpec]) -> dict[str, str]:
    """Return the checksum of every action: what it does, and in which system."""
    checksums = {}
    for name, system in systems.items():
        place = _plain(system, _SYSTEM_WORDS)
        for action_name, action in system.actions.items():
            plain = {"system": place, "action": _plain(action, _ACTION_WORDS)}
            checksums[f"{name}.{action_name}"] = canonical_hash(plain)
    return checksums


def _plain(spec: Any, words: tuple[str, ...]) -> dict[str, Any]:
    # What says nothing is left out, so that a field of a later release changes no checksum.
    plain: dict[str, Any] = TypeAdapter(type(spec)).dump_python(
        spec, mode="json", exclude_defaults=True, exclude=set(words)
    )
    return plain
