"""Strict YAML: no anchors, aliases, tags, duplicate keys or unknown fields.

Every complaint is one line with file, line and field.
"""

import hashlib
import re
from collections.abc import Callable, Hashable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from bot.cases.errors import PlaybookInvalid
from bot.lazy_module import LazyModule
from knowledge.library.plain_yaml import NotPlain, read_plain

if TYPE_CHECKING:
    from knowledge.library import marked_yaml
else:
    # Few processes meet a file that is not plain.
    marked_yaml = LazyModule("knowledge.library.marked_yaml")

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
    raw = read_bytes(path)
    return read_raw(path, raw, shape), hashlib.sha256(raw).hexdigest()


def read_values(path: Path) -> Any:
    """Read a YAML file as it is, without a shape.

    Raises:
        PlaybookInvalid: it cannot be read.
    """
    return _read_values(path, read_bytes(path))


def read_raw(
    path: Path, raw: bytes, shape: type[T], *, complete: Callable[[Any], Any] | None = None
) -> T:
    """Read the content of a YAML file; ``path`` only names it.

    ``complete`` fills in, before it is checked, what the file takes from elsewhere.

    Raises:
        PlaybookInvalid: one line for each mistake, with file, line and what is allowed.
    """
    try:
        values = _read_values(path, raw)
        if complete is not None:
            values = complete(values)
        (value,) = _adapter(cast(Hashable, shape)).validate_python((values,))
    except ValidationError as error:
        document = marked_yaml.parse(path, raw)
        complaints = [_complaint(path, document, details) for details in _causes(error)]
        raise PlaybookInvalid("\n".join(complaints)) from None
    result: T = value
    return result


def to_plain(value: T, shape: type[T]) -> Any:
    """Convert what was read to JSON types, without defaults.

    It takes the adapter by which the file was read: to make one is the most of the work.
    """
    adapter = _adapter(cast(Hashable, shape))
    (plain,) = adapter.dump_python((value,), mode="json", exclude_defaults=True)
    return plain


def locate(path: Path, place: tuple[int | str, ...]) -> str:
    """Return the file and line of a value."""
    return locate_raw(path, read_bytes(path), place)


def locate_raw(path: Path, raw: bytes, place: tuple[int | str, ...]) -> str:
    """Return the file and line of a value in its content."""
    document = marked_yaml.parse(path, raw)
    return f"{path.name}:{marked_yaml.line_of(document, place)}"


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
    return f"{path.name}:{marked_yaml.line_of(document, place)}: {name}: {_sentence(error)}"


def _sentence(error: ErrorDetails) -> str:
    if error["type"] in _SENTENCES:
        return _SENTENCES[error["type"]]
    # Our own complaints are ValueErrors; the length of a list is that of a tuple.
    message = error["msg"].removeprefix("Value error, ")
    return re.sub(r"^(Tuple|Value) should have", "List should have", message)


def read_bytes(path: Path) -> bytes:
    """Read the content of a YAML file.

    Raises:
        PlaybookInvalid: it cannot be read, or is too large.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise PlaybookInvalid(f"{path.name}: {_reason(path, error)}") from None
    if len(raw) > MAX_FILE_BYTES:
        raise PlaybookInvalid(f"{path.name}: larger than {MAX_FILE_BYTES:,} bytes")
    return raw


def _reason(path: Path, error: OSError) -> str:
    """Say why a file cannot be read."""
    if path.is_symlink() and not path.exists():
        return "leads nowhere: it is a link to a file that is not there"
    match error:
        case FileNotFoundError():
            return "is missing"
        case IsADirectoryError():
            return "is a folder"
        case _:
            return f"cannot be read: {error.strerror}"


def _read_values(path: Path, raw: bytes) -> Any:
    """Read the values alone, without their lines."""
    try:
        return read_plain(raw.decode("utf-8"))
    except (NotPlain, UnicodeDecodeError):
        return marked_yaml.to_plain(marked_yaml.parse(path, raw))
