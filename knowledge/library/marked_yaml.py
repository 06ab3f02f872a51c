"""YAML with the line of every value.

It serves complaints, and files that are not plain.
"""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.tokens import AliasToken, AnchorToken, TagToken

from bot.cases.errors import PlaybookInvalid


def parse(path: Path, raw: bytes) -> Any:
    """Parse one YAML mapping, and keep the line of every value.

    Raises:
        PlaybookInvalid: the text is not YAML, or has anchors, aliases, tags or duplicate keys.
    """
    yaml = YAML(typ="rt")
    yaml.allow_duplicate_keys = False
    try:
        text = raw.decode("utf-8")
        _refuse_references(path, yaml, text)
        document = yaml.load(text)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise PlaybookInvalid(f"{path.name}:{line}: is not UTF-8 text") from None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problem = " ".join(str(error.problem or "is not YAML").split())
        raise PlaybookInvalid(f"{path.name}:{line}: {problem.split(' with value')[0]}") from None
    except (YAMLError, RecursionError) as error:
        raise PlaybookInvalid(f"{path.name}: is not YAML ({type(error).__name__})") from None
    if document is None:
        raise PlaybookInvalid(f"{path.name}:1: is empty")
    if not isinstance(document, dict):
        raise PlaybookInvalid(f"{path.name}:1: must be a mapping")
    return document


def _refuse_references(
    path: Path,
    yaml: YAML,
    text: str,
) -> None:
    for token in yaml.scan(text):
        if isinstance(token, AliasToken | AnchorToken | TagToken):
            line = token.start_mark.line + 1
            raise PlaybookInvalid(f"{path.name}:{line}: anchors, aliases and tags are not allowed")


def to_plain(value: Any) -> Any:
    """Convert to Python's own types; ruamel's carry comments and line numbers."""
    match value:
        case dict():
            return {str(key): to_plain(item) for key, item in value.items()}
        case list():
            return [to_plain(item) for item in value]
        case bool() | None:
            return value
        case int():
            return int(value)
        case float():
            return float(value)
        case _:
            return str(value)


def line_of(document: Any, place: tuple[int | str, ...]) -> int:
    """Return the line of a value, or of what exists around it.

    Other parts are passed over: a missing field, or a name that Pydantic puts in between.
    """
    line = 1
    value: Any = document
    for part in place:
        try:
            position = value.lc.item(part) if isinstance(part, int) else value.lc.key(part)
            value = value[part]
        except (KeyError, IndexError, AttributeError, TypeError):
            continue
        line = position[0] + 1
    return line
