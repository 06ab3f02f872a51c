"""Modules that most processes do not need."""

import ast
import contextlib
import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

#: Packages that import all of their modules, of which a process here uses few. Together 15 MB:
#: each country and calendar; a command line and a watcher of files; keys of SSH.
PACKAGES_IN_PARTS = frozenset(
    {
        "holidays.calendars",
        "holidays.countries",
        "holidays.groups",
        "uvicorn",
    }
)


#: The command line of an HTTP library, which it does without where it cannot be imported: 5 MB.
COMMAND_LINES = frozenset({"httpx._main"})


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


@contextlib.contextmanager
def lazy_functions(module: str, *names: str) -> Iterator[None]:
    """Stand in for some functions of a module during an import.

    It is imported when one of them is called. Classes are functions here: they can be called, and
    nothing else.
    """
    if module in sys.modules:
        yield
        return
    stand_in = ModuleType(module)
    for name in names:
        setattr(stand_in, name, _lazy_function(module, name))
    sys.modules[module] = stand_in
    try:
        yield
    finally:
        del sys.modules[module]


def _lazy_function(module: str, name: str) -> Callable[..., Any]:
    def call(*arguments: Any, **options: Any) -> Any:
        return getattr(importlib.import_module(module), name)(*arguments, **options)

    return call


class _PartsLoader(SourceFileLoader):
    """Loads a package whose own imports each wait for their first use.

    That file says where each name comes from, and is read for nothing else.
    """

    def exec_module(self, module: ModuleType) -> None:
        """Give the module its constants, and find what it would import."""
        origins: dict[str, str] = {}
        for statement in ast.parse(Path(self.path).read_bytes()).body:
            origins.update(_imported_names(statement, self.name))
            module.__dict__.update(_constants(statement))

        def find(attribute: str) -> Any:
            if attribute not in origins:
                raise AttributeError(f"module {self.name!r} has no attribute {attribute!r}")
            value = getattr(importlib.import_module(origins[attribute]), attribute)
            setattr(module, attribute, value)
            return value

        module.__dict__["__getattr__"] = find


class _PartsFinder:
    """Finds packages that load in parts, before Python's own finders do."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the usual spec with another loader; None for all other modules.

        Raises:
            ModuleNotFoundError: it is a command line that nobody calls here.
        """
        if name in COMMAND_LINES:
            raise ModuleNotFoundError(f"{name} is not imported here", name=name)
        if name not in PACKAGES_IN_PARTS:
            return None
        spec = PathFinder.find_spec(name, path, target)
        # One in an archive, or without its source, is loaded as ever.
        if spec and spec.origin and type(spec.loader) is SourceFileLoader:
            spec.loader = _PartsLoader(name, spec.origin)
        return spec


def _imported_names(statement: ast.stmt, package: str) -> Iterator[tuple[str, str]]:
    """Iterate over the names that this statement imports, each with its module."""
    if isinstance(statement, ast.ImportFrom) and statement.module:
        module = f"{package}.{statement.module}" if statement.level else statement.module
        for each in statement.names:
            if each.asname in {None, each.name}:
                yield each.name, module


def _constants(statement: ast.stmt) -> Iterator[tuple[str, Any]]:
    if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
        for target in statement.targets:
            if isinstance(target, ast.Name):
                yield target.id, statement.value.value


sys.meta_path.insert(0, _PartsFinder)
