"""The pages that are made from the code, and the index of all pages."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import api
import commands
import entries_page
import keys
import messages
import metrics
import settings_page

#: The pages by chapter, in the order in which people need them. What is not there yet is left out.
CHAPTERS = {
    "Start": ("tutorial", "slack"),
    "How to": ("howto", "agents", "contributing"),
    "Reference": (
        *(f"reference/{page}" for page in keys.PAGES),
        "reference/commands",
        "reference/settings",
        "reference/http-api",
        "reference/metrics",
        "ledger",
        "reference/entries",
    ),
    "Operations": (
        "operating",
        "deploying",
        "upgrading",
        "scaling",
        "troubleshooting",
        "benchmarks",
    ),
    "Security": ("SECURITY", "reliability", "authority"),
    "Architecture": ("architecture",),
}
_INTRODUCTION = """# Countersign

Countersign is a Slack assistant for business exceptions. It puts each one in front of the right
manager as one card, carries out exactly what was approved, and proves it.

| you want to | read |
| --- | --- |
| see your own first card, in fifteen minutes | [the tutorial](tutorial.md) |
| set up the app in Slack | [connecting Slack](slack.md) |
| do one thing | [how to](howto.md) |
| know what a message means | [troubleshooting](troubleshooting.md) |
| know what a key of a playbook does | [playbooks](reference/playbook.md) |
| know what a command does | [commands](reference/commands.md) |
| know what a setting does | [settings](reference/settings.md) |
| run it for good | [operating](operating.md) and [upgrading](upgrading.md) |
| know why it can be trusted | [reliability](reliability.md), [security](SECURITY.md) |
| check it yourself | [the ledger](ledger.md) |
| know how it is built | [architecture](architecture.md) |
"""


@cache
def generated() -> tuple[tuple[Path, str], ...]:
    """Return the pages that are made from the code."""
    return tuple(_made())


def _made() -> Iterator[tuple[Path, str]]:
    folder = Path("reference")
    yield from ((folder / f"{name}.md", text) for name, text in keys.pages())
    yield folder / "commands.md", commands.page()
    yield folder / "settings.md", settings_page.page()
    yield folder / "http-api.md", api.page()
    yield folder / "metrics.md", metrics.page()
    yield folder / "entries.md", entries_page.page()
    yield Path("troubleshooting.md"), messages.page()


def index(docs: Path) -> str:
    """Write the first page, which leads to every other."""
    made = {path.with_suffix("").as_posix() for path, _ in generated()}
    written = {path.relative_to(docs).with_suffix("").as_posix() for path in docs.rglob("*.md")}
    chapters = dict(CHAPTERS)
    decisions = sorted(page for page in written if page.startswith("decisions/"))
    chapters["Decisions"] = tuple(decisions)
    listed = {page for pages in chapters.values() for page in pages}
    rest = {page for page in written if "/" not in page} - listed
    chapters["More"] = tuple(sorted(rest))
    parts = [_INTRODUCTION]
    for chapter, pages in chapters.items():
        present = [page for page in pages if page in made | written]
        if present:
            lines = "\n".join(present)
            parts.append(f"```{{toctree}}\n:caption: {chapter}\n:maxdepth: 1\n\n{lines}\n```\n")
    return "\n".join(parts)
