"""Troubleshooting: every message of an error, with an anchor and a remedy.

The messages are collected from the code: what is raised as a refusal, found by a check, or
complained of in a file. Their remedies stand in ``remedies``, by the text of the message. To see
what is missing: ``python docs/site/messages.py``.
"""

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from bot.cases import errors

PROJECT = Path(__file__).parents[2]
REMEDIES = Path(__file__).parent / "remedies"
ROOMS = ("bot", "handlers", "knowledge", "scheduler")
#: Programs of their own beside the product.
_LEFT_OUT = ("bot/emulator/", "bot/demo/")
#: Errors that a person reads on a card, in a log line or from a command.
_FAILURES = {
    name
    for name, error in vars(errors).items()
    if isinstance(error, type)
    and issubclass(error, errors.CountersignError)
    and not issubclass(error, errors.ChatFailed | errors.Conflict | errors.StaleFence)
}
_RAISED = _FAILURES | {
    "Finding",
    "BadParameter",
    # Of a condition, of the verifier, and of the client for programs.
    "ConditionInvalid",
    "Unreadable",
    "RequestInvalid",
    "_invalid",
    "incomplete",
}
#: Calls whose third argument, or ``sentence``, is the text.
_REPORTS = frozenset({"_report", "finding"})
_REPORT_TEXT = 2
#: Here a ValueError is what the loader says of a value.
_VALUE_ROOMS = ("bot/cases/", "bot/connectors/", "knowledge/library/", "bot/settings.py")
#: Here texts are listed as complaints, one a line.
_COMPLAINT_ROOMS = (
    "knowledge/library/",
    "bot/preflight.py",
    "bot/settings.py",
    "bot/library_check",
    "bot/connectors/registry.py",
    "bot/connectors/callbacks.py",
    "handlers/slack/installation_check.py",
)
MIN_WORDS = 2
_GAP = "…"


@dataclass(frozen=True, slots=True, order=True)
class Message:
    """One message, with gaps for what differs from case to case."""

    text: str
    file: str

    @property
    def anchor(self) -> str:
        """Return the part of the address that leads to it."""
        words = re.findall(r"[a-z0-9]+", self.text.lower())
        return "-".join(words[:14])


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """Messages of some files, and what to do about them."""

    title: str
    #: What the names of the files begin with.
    files: tuple[str, ...]
    #: What holds for all messages of these files.
    remedy: str
    #: The remedies of messages, by text.
    remedies: Mapping[str, str]


@cache
def introduction() -> str:
    """Return the text above all areas."""
    return str(_index()["introduction"]).strip()


@cache
def areas() -> tuple[Area, ...]:
    """Read the remedies of areas and messages, in page order."""
    return tuple(_read_area(REMEDIES / f"{name}.yml") for name in _index()["areas"])


def _index() -> Any:
    return yaml.safe_load((REMEDIES / "index.yml").read_text(encoding="utf-8"))


def _read_area(file: Path) -> Area:
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    remedies: dict[str, str] = {}
    for family in content.get("messages", ()):
        for text in family["texts"]:
            if text in remedies:
                raise ValueError(f"{file.name}: {text!r} has two remedies")
            remedies[text] = family["remedy"].strip()
    return Area(
        title=content["title"],
        files=tuple(content["files"]),
        remedy=content["remedy"].strip(),
        remedies=remedies,
    )


@cache
def find_messages() -> list[Message]:
    """List every message once."""
    messages: dict[str, Message] = {}
    for room in ROOMS:
        for path in sorted((PROJECT / room).rglob("*.py")):
            file = path.relative_to(PROJECT).as_posix()
            if not file.startswith(_LEFT_OUT):
                for text in _texts(path.read_text(encoding="utf-8"), file):
                    message = Message(text, file)
                    messages.setdefault(message.anchor, message)
    return sorted(messages.values())


def area_of(message: Message) -> Area | None:
    """Return the area of a message: the first that names its file."""
    return next((area for area in areas() if message.file.startswith(area.files)), None)


def find_gaps() -> list[str]:
    """List messages without a remedy, and remedies without a message."""
    gaps: list[str] = []
    texts: dict[str, set[str]] = {area.title: set() for area in areas()}
    for message in find_messages():
        area = area_of(message)
        if area is None:
            gaps.append(f"{message.file}: no area names this file")
            continue
        texts[area.title].add(message.text)
        if message.text not in area.remedies:
            gaps.append(f"{message.file}: {message.text!r} has no remedy in “{area.title}”")
    for area in areas():
        unused = sorted(area.remedies.keys() - texts[area.title])
        gaps += [f"“{area.title}”: there is no message {text!r}" for text in unused]
    return gaps


def page() -> str:
    """Write the page."""
    parts = ["# Troubleshooting", introduction()]
    for area in areas():
        messages = [message for message in find_messages() if area_of(message) is area]
        if not messages:
            continue
        parts += [f"## {area.title}", area.remedy]
        families: dict[str, list[Message]] = {}
        for message in messages:
            families.setdefault(area.remedies[message.text], []).append(message)
        for remedy, family in families.items():
            for message in family:
                parts.append(f"({message.anchor})=\n**{_plain(message.text)}**")
            parts.append(remedy)
    return "\n\n".join(parts) + "\n"


# --- collection -----------------------------------------------------------------------------------


def _texts(source: str, file: str) -> Iterator[str]:
    tree = ast.parse(source)
    constants = _constants(tree)
    has_values = file.startswith(_VALUE_ROOMS)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = _last_name(node.func)
            if name in _RAISED or (has_values and name == "ValueError"):
                yield from _texts_of(_subject(node), constants)
            if name in _REPORTS:
                yield from _texts_of(_reported(node), constants)
        if file.startswith(_COMPLAINT_ROOMS):
            for complaint in _complaints(node):
                yield from _texts_of(complaint, constants)


def _constants(tree: ast.Module) -> dict[str, list[ast.expr]]:
    """Return the values of the module's names and its sentences."""
    constants: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name) and (node in tree.body or target.id == "sentence"):
                    constants.setdefault(target.id, []).append(node.value)
    return constants


def _last_name(function: ast.expr) -> str:
    match function:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _reported(call: ast.Call) -> ast.expr | None:
    words = [word.value for word in call.keywords if word.arg == "sentence"]
    return next(iter([*call.args[_REPORT_TEXT:], *words]), None)


def _subject(call: ast.Call) -> ast.expr | None:
    """Return the text of an error or the sentence of a finding."""
    words = [word.value for word in call.keywords if word.arg == "sentence"]
    return next(iter([*call.args, *words]), None)


def _complaints(node: ast.AST) -> Iterator[ast.expr]:
    match node:
        case ast.Yield(value=ast.expr() as value):
            yield value
        case ast.Call(func=ast.Attribute(attr="append"), args=[value]):
            yield value
        case ast.Return(value=ast.List(elts=[value])) | ast.AugAssign(value=ast.List(elts=[value])):
            yield value
        case ast.Return(value=ast.ListComp(elt=value)):
            yield value
        # A sentence with its suggestion.
        case ast.Return(value=ast.Tuple(elts=[value, ast.JoinedStr() | ast.Name()])):
            yield value


def _texts_of(node: ast.expr | None, constants: dict[str, list[ast.expr]]) -> Iterator[str]:
    match node:
        case ast.Name(id=name) if name in constants:
            for value in constants[name]:
                yield from _texts_of(value, {})
        case ast.IfExp(body=body, orelse=other):
            yield from _texts_of(body, constants)
            yield from _texts_of(other, constants)
        case ast.BinOp(left=left, right=right):
            one = [*_texts_of(left, constants)]
            two = [*_texts_of(right, constants)]
            yield from (first + second for first in one for second in two)
        case ast.Constant(value=str()) | ast.JoinedStr():
            text = _template(node)
            if len(re.findall(r"[A-Za-z]{2,}", text)) >= MIN_WORDS:
                yield text


def _template(node: ast.Constant | ast.JoinedStr) -> str:
    if isinstance(node, ast.Constant):
        return " ".join(str(node.value).split())
    parts = [str(part.value) if isinstance(part, ast.Constant) else _GAP for part in node.values]
    return " ".join("".join(parts).split())


def _plain(text: str) -> str:
    return re.sub(r"([*_\[\]<`{}$])", r"\\\1", text)


if __name__ == "__main__":
    print("\n".join(find_gaps()))
    sys.exit(bool(find_gaps()))
