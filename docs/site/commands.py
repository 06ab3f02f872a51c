"""The reference of commands, from their declarations."""

from collections.abc import Iterator
from typing import Any

from bot.cli.app import COUNTERSIGN, LazyCommand


def page() -> str:
    """Write the page."""
    parts = ["# Commands", "`countersign COMMAND --help` prints the same."]
    for words, command in find_commands(COUNTERSIGN, ()):
        parts += _section(words, command)
    return "\n\n".join(parts) + "\n"


def find_commands(group: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Iterate over the commands of a group, each with its words."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from find_commands(command, (*words, name))
        elif not command.hidden:
            yield (*words, name), command


def _section(words: tuple[str, ...], command: Any) -> Iterator[str]:
    loaded = command.load() if isinstance(command, LazyCommand) else command
    arguments = [one for one in loaded.params if one.param_type_name == "argument"]
    options = [one for one in loaded.params if one.param_type_name == "option"]
    usage = " ".join([*words, *(_argument(one) for one in arguments), *(["…"] if options else [])])
    yield f"## `countersign {' '.join(words)}`"
    yield _plain(loaded.help or "")
    yield f"    countersign {usage}"
    rows = [
        f"| {_name(one)} | {_default(one)} | {_plain(getattr(one, 'help', None) or '')} |"
        for one in (*arguments, *options)
        if one.name != "help" and not getattr(one, "hidden", False)
    ]
    if rows:
        yield "\n".join(["| argument | default | meaning |", "| --- | --- | --- |", *rows])


def _argument(argument: Any) -> str:
    name = str(argument.name).upper()
    return name if argument.required else f"[{name}]"


def _name(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{str(parameter.name).upper()}`"
    return ", ".join(f"`{option}`" for option in parameter.opts)


def _default(parameter: Any) -> str:
    if parameter.required:
        return "**needed**"
    default = parameter.default
    is_plain = isinstance(default, str | int | float) and default not in ("", False)
    return f"`{default}`" if is_plain else ""


def _plain(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")
