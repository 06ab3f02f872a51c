"""``systems.yml``: the outside systems and their actions."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, cast

from bot.cases.constraints import KEYED
from bot.connectors.registry import AnySystem
from bot.connectors.specs import ActionSpec, SystemSpec
from knowledge.library.yaml_files import read, to_plain


@dataclass(frozen=True, slots=True)
class SystemsFile:
    #: The systems by name.
    systems: Annotated[Mapping[str, AnySystem], KEYED]


def read_systems(path: Path) -> Mapping[str, SystemSpec]:
    """Read the systems by name."""
    document, _ = read(path, SystemsFile)
    return document.systems


def with_currency(systems: Mapping[str, SystemSpec], currency: str) -> dict[str, SystemSpec]:
    """Return the systems whose actions move money of policy.

    An action that names a currency keeps it.
    """
    return {name: _system_in(system, currency) for name, system in systems.items()}


def _system_in(system: SystemSpec, currency: str) -> SystemSpec:
    actions = {
        name: action if action.currency else replace(action, currency=currency)
        for name, action in system.actions.items()
    }
    return replace(system, actions=actions)


def systems_plain(systems: Mapping[str, SystemSpec]) -> dict[str, Any]:
    """Convert the systems to JSON types, without what says nothing.

    So a field of a later release changes nothing.
    """
    file = SystemsFile(cast(Mapping[str, AnySystem], systems))
    plain: dict[str, Any] = to_plain(file, SystemsFile)["systems"]
    return plain


def find_action(systems: Mapping[str, SystemSpec], action: str) -> ActionSpec | None:
    """Return the declaration of an action like ``house.order_stock``, or None."""
    system, _, name = action.partition(".")
    if system not in systems:
        return None
    return systems[system].actions.get(name)
