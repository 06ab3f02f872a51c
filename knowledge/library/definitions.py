"""The checksums of the definitions of actions in ``systems.yml``."""

from collections.abc import Mapping
from typing import Any

from bot.cases.canonical import canonical_hash
from bot.cases.playbook_version import FORMER_CURRENCY
from bot.connectors.specs import SystemSpec
from knowledge.library.systems import systems_plain

#: They change what people read, or how long a call may take, and not what is done.
_ACTION_WORDS = ("title", "titles", "past_summary")
_SYSTEM_WORDS = ("title", "timeout", "actions", "lookups")


def definition_checksums(systems: Mapping[str, SystemSpec]) -> dict[str, str]:
    """Return the checksum of each action with its system."""
    checksums = {}
    for name, system in systems_plain(systems).items():
        place = _without(system, _SYSTEM_WORDS)
        for action_name, action in system.get("actions", {}).items():
            plain = {"system": place, "action": _without(action, _ACTION_WORDS)}
            if plain["action"].get("currency") == FORMER_CURRENCY:
                del plain["action"]["currency"]
            checksums[f"{name}.{action_name}"] = canonical_hash(plain)
    return checksums


def _without(plain: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in plain.items() if name not in names}
