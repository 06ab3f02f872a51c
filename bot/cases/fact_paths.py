"""The names of facts that expressions and templates use."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from bot.cases.expressions import compile_expression, placeholders

#: The content of these nodes is searched in what their first child finds.
_SHIFTING = frozenset(
    {
        "pipe",
        "projection",
        "value_projection",
        "filter_projection",
        "flatten",
        "index_expression",
        "slice",
    }
)

Path = tuple[str, ...]


def fact_paths(expression: str) -> list[Path]:
    """List the paths of facts in an expression, like ``("stock", "on_hand")``."""
    if not expression:
        return []
    return list(
        dict.fromkeys(_paths(cast(Mapping[str, Any], compile_expression(expression).parsed)))
    )


def template_paths(template: str) -> list[Path]:
    """List the paths of facts in a template."""
    return [tuple(name.split(".")) for name in dict.fromkeys(placeholders(template))]


def _paths(node: Mapping[str, Any]) -> Iterator[Path]:
    children = node.get("children") or []
    match node["type"]:
        case "field":
            yield (node["value"],)
        case "subexpression":
            names = _chain(node)
            if names:
                yield names
            else:
                yield from _paths(children[0])
        case "expref":
            # It is evaluated over the items of a list, and not over the facts.
            return
        case kind if kind in _SHIFTING:
            yield from _paths(children[0])
        case _:
            for child in children:
                if isinstance(child, dict):
                    yield from _paths(child)


def _chain(node: Mapping[str, Any]) -> Path:
    """Return the names of nested fields; empty for anything else."""
    if node["type"] == "field":
        return (node["value"],)
    if node["type"] != "subexpression":
        return ()
    parts = [_chain(child) for child in node["children"]]
    return tuple(name for part in parts for name in part) if all(parts) else ()
