"""The output of commands: tables for people, ``--json`` for machines."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

out = Console()
err = Console(stderr=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def print_json(value: Any) -> None:
    """Print a value for machines, with letters outside ASCII escaped."""
    print(json.dumps(value, indent=2))


def print_failure(text: str) -> None:
    """Print why a command failed.

    Whoever is no terminal gets its lines as they are, which programs can search.
    """
    err.print(text, style="red", markup=False, soft_wrap=not err.is_terminal)


def print_hanging(head: str, text: str) -> None:
    """Print a text after its head, and go on below its beginning.

    Whoever is no terminal gets one line, which programs can search.
    """
    if not (head and out.is_terminal):
        is_line = not out.is_terminal
        out.print(head + text, markup=False, highlight=False, soft_wrap=is_line)
        return
    grid = Table.grid()
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(Text(head), Text(text))
    out.print(grid)


def print_problems(problems: Sequence[str], *, otherwise: str, as_json: bool) -> NoReturn:
    """Print the problems, or that there are none, and exit.

    The status is 1 if there is a problem.
    """
    if as_json:
        print_json({"ok": not problems, "problems": list(problems)})
    elif problems:
        for problem in problems:
            out.print(f"• {problem}", markup=False, soft_wrap=not out.is_terminal)
    else:
        out.print(otherwise, markup=False)
    raise typer.Exit(1 if problems else 0)
