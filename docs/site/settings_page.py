"""The reference of settings, from their declarations."""

import inspect
from typing import Any

from bot.settings import GROUPS


def page() -> str:
    """Write the page."""
    parts = [
        "# Settings",
        "Settings are variables of the environment. Other names that begin with `COUNTERSIGN_` "
        "are those that `systems.yml`, `sources.yml` and `programs.yml` give to their secrets.",
    ]
    for group in GROUPS:
        first = inspect.cleandoc(group.__doc__ or "").splitlines()[0].rstrip(".")
        rows = ["| setting | default | meaning |", "| --- | --- | --- |"]
        for field in group.model_fields.values():
            meaning = str(field.description).replace("|", "\\|").replace("<", "&lt;")
            rows.append(f"| `{field.validation_alias}` | {_default(field)} | {meaning} |")
        parts += [f"## {first}", "\n".join(rows)]
    return "\n\n".join(parts) + "\n"


def _default(field: Any) -> str:
    default = field.default
    if field.is_required() or default in ("", None, ()) or str(default).startswith("/"):
        return ""
    return f"`{getattr(default, 'value', default)}`"
