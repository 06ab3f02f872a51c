"""Sizes of functions and classes, and what a module imports."""

import ast
import math
from pathlib import Path

from tests.measures.source import FUNCTIONS, Finding, SourceFile

MAX_METHODS = 20
MAX_FIELDS = 15
PRODUCT = ("bot", "handlers", "knowledge", "scheduler")


def function_lengths(files: list[SourceFile]) -> list[Finding]:
    """Return every function with its number of lines as the weight."""
    findings = []
    for file in files:
        for node in file.functions:
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            findings.append(file.finding(node, f"{node.name}: {lines} lines", lines))
    return findings


def percentile(values: list[float], share: float) -> float:
    """Return the nearest-rank percentile; zero without values."""
    if not values:
        return 0
    return sorted(values)[math.ceil(share * len(values)) - 1]


def large_classes(files: list[SourceFile]) -> list[Finding]:
    """Find classes over twenty methods or fifteen fields."""
    findings = []
    for file in files:
        for node in file.classes:
            methods = {part.name for part in node.body if isinstance(part, FUNCTIONS)}
            fields = field_names(node)
            if len(methods) > MAX_METHODS or len(fields) > MAX_FIELDS:
                text = f"{node.name}: {len(methods)} methods, {len(fields)} fields"
                findings.append(file.finding(node, text, len(methods) + len(fields)))
    return findings


def field_names(node: ast.ClassDef) -> set[str]:
    """Return the fields of a class, attributes of its methods included."""
    names = {
        part.target.id
        for part in node.body
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
    }
    for part in ast.walk(node):
        match part:
            case ast.Attribute(ctx=ast.Store(), value=ast.Name(id="self")):
                names.add(part.attr)
    return names


def local_imports(files: list[SourceFile]) -> list[Finding]:
    """Find imports inside functions."""
    findings = []
    for file in files:
        places = {
            id(node): node
            for function in file.functions
            for node in ast.walk(function)
            if isinstance(node, (ast.Import, ast.ImportFrom))
        }
        findings += [file.finding(node, ast.unparse(node)) for node in places.values()]
    return findings


def fan_out(file: SourceFile) -> set[str]:
    """Return the modules of the product that a file imports.

    ``from bot.cases import plan`` counts as ``bot.cases.plan`` where that is a module.
    """
    modules: set[str] = set()
    for node in file.nodes:
        if isinstance(node, ast.Import):
            modules.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules.update(_imported_modules(node.module, node, file.path))
    return {module for module in modules if module.split(".")[0] in PRODUCT}


def _imported_modules(package: str, node: ast.ImportFrom, importer: str) -> set[str]:
    root = Path(importer).resolve().parent.parent
    folder = root.joinpath(*package.split("."))
    names = set()
    for alias in node.names:
        inner = folder / f"{alias.name}.py", folder / alias.name / "__init__.py"
        is_module = any(path.exists() for path in inner)
        names.add(f"{package}.{alias.name}" if is_module else package)
    return names
