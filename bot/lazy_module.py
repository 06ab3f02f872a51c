"""Modules that most processes do not need."""

import importlib
from types import ModuleType
from typing import Any


class LazyModule:
    """A module that is imported when something of it is first used.

    It stands where a library is large and its use rare: it is bound to the module's name, and the
    real import stands beside it for the type checker. The first use takes the time of the import;
    a module that cannot be imported fails there.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._module: ModuleType | None = None

    def __getattr__(self, attribute: str) -> Any:
        # Kept: what computes looks up a name thousands of times.
        module = self._module
        if module is None:
            module = self._module = importlib.import_module(self._name)
        return getattr(module, attribute)
