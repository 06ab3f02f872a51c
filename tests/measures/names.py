"""Names: bare participles, superlatives, aliases and classes that share a name."""

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from tests.measures.source import FUNCTIONS, Finding, SourceFile
from tests.measures.words import (
    AMBIGUOUS_PARTICIPLES,
    WIRE_FIELDS,
    is_participle,
    is_superlative,
)


@dataclass(frozen=True)
class Binding:
    """One name where it is bound."""

    name: str
    node: ast.AST
    #: ``local``, ``parameter``, ``attribute`` or ``function``.
    role: str
    #: The class of a field.
    owner: str = ""


def bindings(file: SourceFile) -> Iterator[Binding]:
    """Yield every name that a file binds, except constants."""
    yield from _bind_children(file.tree, owner=file.tree)


def _bind_children(node: ast.AST, owner: ast.AST) -> Iterator[Binding]:
    for child in ast.iter_child_nodes(node):
        yield from _bind(child, owner)
        inner = isinstance(child, (ast.ClassDef, ast.Lambda, *FUNCTIONS))
        yield from _bind_children(child, child if inner else owner)


def _bind(node: ast.AST, owner: ast.AST) -> Iterator[Binding]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield Binding(node.name, node, "function")
        case ast.arg():
            yield Binding(node.arg, node, "parameter")
        case ast.Name(ctx=ast.Store()) if isinstance(owner, ast.ClassDef):
            if not node.id.isupper():
                yield Binding(node.id, node, "attribute", owner.name)
        case ast.Name(ctx=ast.Store()):
            if not node.id.isupper():
                yield Binding(node.id, node, "local")
        case ast.Attribute(ctx=ast.Store(), value=ast.Name(id="self" | "cls")):
            yield Binding(node.attr, node, "attribute")
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
            yield Binding(name, node, "local")
        case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            yield Binding(name, node, "local")


def participles(files: list[SourceFile]) -> tuple[Counter[str], list[Finding]]:
    """Count bindings by role, and find the bare participles among them."""
    totals: Counter[str] = Counter()
    findings = []
    for file in files:
        bound = list(bindings(file))
        names = {binding.name for binding in bound}
        for binding in bound:
            totals[binding.role] += 1
            if _is_bad(binding, names):
                findings.append(file.finding(binding.node, f"{binding.role} {binding.name}"))
    return totals, findings


def _is_bad(binding: Binding, names: set[str]) -> bool:
    if binding.name == "left" and "right" in names:
        return False
    if binding.name.strip("_") in AMBIGUOUS_PARTICIPLES:
        return binding.role == "local"
    return is_participle(binding.name) and f"{binding.owner}.{binding.name}" not in WIRE_FIELDS


def superlatives(files: list[SourceFile]) -> list[Finding]:
    """Find constants that begin with a superlative."""
    findings = []
    for file in files:
        for node in file.nodes:
            match node:
                case ast.Name(ctx=ast.Store()) if is_superlative(node.id):
                    findings.append(file.finding(node, node.id))
    return findings


def single_letter_aliases(files: list[SourceFile]) -> tuple[list[Finding], int]:
    """Find imports under a single letter, and count their uses."""
    findings, uses = [], 0
    for file in files:
        letters = set()
        for node in file.nodes:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                for alias in node.names:
                    if alias.asname and len(alias.asname.strip("_")) == 1:
                        letters.add(alias.asname)
                        findings.append(file.finding(node, f"{alias.name} as {alias.asname}"))
        uses += sum(
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in letters
            for node in file.nodes
        )
    return findings, uses


def duplicate_classes(files: list[SourceFile]) -> list[Finding]:
    """Find public classes of modules that share a name."""
    places: dict[str, list[Finding]] = defaultdict(list)
    for file in files:
        for node in file.tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(file.finding(node, f"class {node.name}"))
    return [place for same in places.values() if len(same) > 1 for place in same]
