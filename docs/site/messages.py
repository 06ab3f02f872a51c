"""Troubleshooting: every message of an error, with what to do.

Each has an anchor.

The messages are collected from the code: what is raised as a refusal, found by a check, or
complained of in a file.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from bot.cases import errors

PROJECT = Path(__file__).parents[2]
REMEDIES = Path(__file__).parent / "remedies.yml"
ROOMS = ("bot", "handlers", "knowledge", "scheduler")
#: Programs of their own beside the product.
_LEFT_OUT = ("bot/emulator/", "bot/demo/")
_REFUSALS = {
    name
    for name, error in vars(errors).items()
    if isinstance(error, type) and issubclass(error, errors.Refusal)
}
_RAISED = _REFUSALS | {"Finding", "BadParameter"}
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


@cache
def remedies() -> Any:
    """Read what people wrote on the areas and on single messages."""
    return yaml.safe_load(REMEDIES.read_text(encoding="utf-8"))


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


def area_of(message: Message) -> dict[str, Any] | None:
    """Return the area of a message: the first that names its file."""
    return next(
        (area for area in remedies()["areas"] if message.file.startswith(tuple(area["files"]))),
        None,
    )


def page() -> str:
    """Write the page."""
    texts = remedies()
    parts = ["# Troubleshooting", texts["introduction"].strip()]
    messages = find_messages()
    for area in texts["areas"]:
        own = [message for message in messages if area_of(message) is area]
        if not own:
            continue
        parts += [f"## {area['title']}", area["remedy"].strip()]
        for message in own:
            parts.append(f"({message.anchor})=\n**{_plain(message.text)}**")
            remedy = texts["messages"].get(message.anchor)
            if remedy:
                parts.append(remedy.strip())
    return "\n\n".join(parts) + "\n"


# --- collection -----------------------------------------------------------------------------------


def _texts(source: str, file: str) -> Iterator[str]:
    tree = ast.parse(source)
    constants = {
        name.id: statement.value
        for statement in tree.body
        if isinstance(statement, ast.Assign)
        for name in statement.targets
        if isinstance(name, ast.Name)
    }
    has_values = file.startswith(_VALUE_ROOMS)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).rpartition(".")[2]
            if name in _RAISED or (has_values and name == "ValueError"):
                yield from _texts_of(_subject(node), constants)
        if file.startswith(_COMPLAINT_ROOMS):
            for complaint in _complaints(node):
                yield from _texts_of(complaint, constants)


def _subject(call: ast.Call) -> ast.expr | None:
    """Return the text of an error: its first argument, or the sentence of a finding."""
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


def _texts_of(node: ast.expr | None, constants: dict[str, ast.expr]) -> Iterator[str]:
    match node:
        case ast.Name(id=name) if name in constants:
            yield from _texts_of(constants[name], {})
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
