"""The rooms of the house, and what the contracts in pyproject.toml let each of them import."""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
# It only starts a command, and is no room of its own.
ENTRY_POINT = "bot.__main__"


@cache
def read_contracts() -> list[dict[str, Any]]:
    """Return the contracts of import-linter."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        contracts: list[dict[str, Any]] = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    return contracts


def rooms() -> list[str]:
    """List every room, from the highest floor to the lowest."""
    contracts = read_contracts()
    names = [name for name, _ in _floors(contracts[1])]
    names += [name for name, _ in _floors(contracts[0])]
    names += [f"bot.{name}" for name in contracts[0]["exhaustive_ignores"]]
    return [name for name in dict.fromkeys(names) if name != ENTRY_POINT]


def may_import(room: str, other: str) -> bool:
    """Tell whether no contract forbids the import."""
    return all(_allows(contract, room, other) for contract in read_contracts())


def _allows(contract: Mapping[str, Any], room: str, other: str) -> bool:
    if contract["type"] == "layers":
        floors = dict(_floors(contract))
        if room not in floors or other not in floors:
            return True
        return floors[room] > floors[other]
    is_source = room in contract["source_modules"]
    return not (is_source and other in contract["forbidden_modules"])


def _floors(contract: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Iterate over the rooms of a contract of layers, with the number of their floor."""
    containers = contract.get("containers", [""])
    height = len(contract["layers"])
    for container in containers:
        for depth, layer in enumerate(contract["layers"]):
            for name in layer.split("|"):
                yield f"{container}.{name.strip()}".lstrip("."), height - depth
