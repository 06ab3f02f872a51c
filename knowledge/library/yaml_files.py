"""Strict YAML: no anchors, aliases, tags, duplicate keys or unknown fields.

Every complaint is one line with file, line and field.
"""

import hashlib
import re
from collections.abc import Hashable
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.tokens import AliasToken, AnchorToken, TagToken

from bot.cases.errors import PlaybookInvalid

MAX_FILE_BYTES = 1_000_000
T = TypeVar("T")

# Where Pydantic speaks of Python's types, we speak of YAML's.
_SENTENCES = {
    "tuple_type": "Input should be a valid list",
    "dataclass_type": "Input should be a mapping",
    "unexpected_keyword_argument": "Extra inputs are not permitted",
}


def read(path: Path, shape: type[T]) -> tuple[T, str]:
    """Read a YAML file as a dataclass; return it with its SHA-256.

    Raises:
        PlaybookInvalid: one line for each mistake, with file, line and what is allowed.
    """
    raw = _read_bytes(path)
    document = _parse(path, raw)
    try:
        (value,) = _adapter(cast(Hashable, shape)).validate_python((_to_plain(document),))
    except ValidationError as error:
        complaints = [_complaint(path, document, details) for details in _causes(error)]
        raise PlaybookInvalid("\n".join(complaints)) from None
    return value, hashlib.sha256(raw).hexdigest()


def locate(path: Path, place: tuple[int | str, ...]) -> str:
    """Return the file and line of a value."""
    return f"{path.name}:{_line(_parse(path, _read_bytes(path)), place)}"


@lru_cache(maxsize=16)
def _adapter(shape: Hashable) -> TypeAdapter[Any]:
    # A dataclass of the rules has no configuration of its own, and takes that of the tuple around
    # it. Files are read strictly so; what the store has written may have fields of a later release.
    strict = ConfigDict(extra="forbid")
    return TypeAdapter(cast(Any, tuple[shape]), config=strict)  # type: ignore[valid-type]


def _causes(error: ValidationError) -> list[ErrorDetails]:
    """Return the errors, without those that only follow from others."""
    errors = error.errors()
    places = [details["loc"] for details in errors]
    return [details for details in errors if not _is_consequence(details, places)]


def _is_consequence(error: ErrorDetails, places: list[tuple[int | str, ...]]) -> bool:
    # A list without its wrong items may be too short: the items have their own complaints.
    place = error["loc"]
    has_wrong_item = any(
        len(other) > len(place) and other[: len(place)] == place for other in places
    )
    return error["type"] == "too_short" and has_wrong_item


def _complaint(
    path: Path,
    document: Any,
    error: ErrorDetails,
) -> str:
    # The first part of the place is the index in the tuple of `_adapter`.
    place = error["loc"][1:]
    name = ".".join(str(part) for part in place) or "document"
    return f"{path.name}:{_line(document, place)}: {name}: {_sentence(error)}"


def _sentence(error: ErrorDetails) -> str:
    if error["type"] in _SENTENCES:
        return _SENTENCES[error["type"]]
    # Our own complaints are ValueErrors; the length of a list is that of a tuple.
    message = error["msg"].removeprefix("Value error, ")
    return re.sub(r"^(Tuple|Value) should have", "List should have", message)


def _read_bytes(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise PlaybookInvalid(f"{path}: {error.strerror}") from None
    if len(raw) > MAX_FILE_BYTES:
        raise PlaybookInvalid(f"{path.name}: larger than {MAX_FILE_BYTES:,} bytes")
    return raw


def _parse(path: Path, raw: bytes) -> Any:
    """Parse one YAML mapping, and keep the line of every value."""
    yaml = YAML(typ="rt")
    yaml.allow_duplicate_keys = False
    try:
        text = raw.decode("utf-8")
        _refuse_references(path, yaml, text)
        document = yaml.load(text)
    except UnicodeDecodeError:
        raise PlaybookInvalid(f"{path.name}: is not UTF-8 text") from None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problem = " ".join(str(error.problem or "is not YAML").split())
        raise PlaybookInvalid(f"{path.name}:{line}: {problem.split(' with value')[0]}") from None
    except (YAMLError, RecursionError) as error:
        raise PlaybookInvalid(f"{path.name}: is not YAML ({type(error).__name__})") from None
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


def _to_plain(value: Any) -> Any:
    """Convert to Python's own types; ruamel's carry comments and line numbers."""
    match value:
        case dict():
            return {str(key): _to_plain(item) for key, item in value.items()}
        case list():
            return [_to_plain(item) for item in value]
        case bool() | None:
            return value
        case int():
            return int(value)
        case float():
            return float(value)
        case _:
            return str(value)


def _line(document: Any, place: tuple[int | str, ...]) -> int:
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
