"""YAML read strictly: no aliases, no tags, no duplicate keys, no unknown fields; every complaint names file and line."""

import hashlib
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.tokens import AliasToken, AnchorToken, TagToken

from bot.cases.errors import PlaybookInvalid

LARGEST_FILE = 256_000
_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_SPAN = re.compile(r"([0-9]+)(ms|s|m|h|d)")
MAX_DAYS = 3_650
MAX_DIGITS = 15
M = TypeVar("M", bound=BaseModel)


def _span(value: Any) -> timedelta:
    """Read a duration as people write it, of a second at least: 30s, 15m, 48h, 7d."""
    span = _duration(value)
    if not timedelta(seconds=1) <= span <= timedelta(days=MAX_DAYS):
        raise ValueError(f"must be at least 1s and at most {MAX_DAYS}d")
    return span


def _duration(value: Any) -> timedelta:
    """Read a duration that may be shorter than a second: 1500ms, 30s."""
    written = _SPAN.fullmatch(str(value).strip())
    # Whatever is longer than this many digits is no duration, and would overflow.
    if written is None or len(written[1]) > MAX_DIGITS:
        raise ValueError("must be a duration like 30s, 15m, 48h or 7d")
    try:
        return timedelta(milliseconds=int(written[1]) * _UNITS[written[2]])
    except OverflowError:
        raise ValueError(f"must be at least 1s and at most {MAX_DAYS}d") from None


Span = Annotated[timedelta, BeforeValidator(_span)]
Duration = Annotated[timedelta, BeforeValidator(_duration)]


class Strict(BaseModel):
    """A YAML document has exactly these fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def read(path: Path, shape: type[M]) -> tuple[M, str]:
    """The validated document and the SHA-256 of the file.

    Raises:
        PlaybookInvalid: one line per mistake, each with file, line and what is allowed.
    """
    raw = _bytes(path)
    loaded = _load(path, raw)
    try:
        return shape.model_validate(_plain(loaded)), hashlib.sha256(raw).hexdigest()
    except ValidationError as wrong:
        complaints = [
            f"{path.name}:{_line(loaded, error['loc'])}: {_where(error['loc'])}: {_said(error['msg'])}"
            for error in wrong.errors()
        ]
        raise PlaybookInvalid("\n".join(complaints)) from None


def located(path: Path, *place: int | str) -> str:
    """Name the file and the line of what stands at this place in it."""
    return f"{path.name}:{_line(_load(path, _bytes(path)), place)}"


def _bytes(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
    except OSError as failure:
        raise PlaybookInvalid(f"{path}: {failure.strerror}") from None
    if len(raw) > LARGEST_FILE:
        raise PlaybookInvalid(f"{path.name}: larger than {LARGEST_FILE:,} bytes")
    return raw


def _load(path: Path, raw: bytes) -> Any:
    yaml = YAML(typ="rt")
    yaml.allow_duplicate_keys = False
    try:
        text = raw.decode("utf-8")
        for token in yaml.scan(text):
            if isinstance(token, AliasToken | AnchorToken | TagToken):
                raise PlaybookInvalid(
                    f"{path.name}:{token.start_mark.line + 1}: anchors, aliases and tags are not allowed"
                )
        loaded = yaml.load(text)
    except UnicodeDecodeError:
        raise PlaybookInvalid(f"{path.name}: is not UTF-8 text") from None
    except MarkedYAMLError as wrong:
        line = wrong.problem_mark.line + 1 if wrong.problem_mark else 1
        problem = " ".join(str(wrong.problem or "is not YAML").split())
        raise PlaybookInvalid(f"{path.name}:{line}: {problem.split(' with value')[0]}") from None
    except (YAMLError, RecursionError) as wrong:
        raise PlaybookInvalid(f"{path.name}: is not YAML ({type(wrong).__name__})") from None
    if not isinstance(loaded, dict):
        raise PlaybookInvalid(f"{path.name}:1: must be a mapping")
    return loaded


def _plain(value: Any) -> Any:
    """Without ruamel's own types, which carry comments and line numbers."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool) or value is None:
        return value
    return (
        float(value)
        if isinstance(value, float)
        else int(value)
        if isinstance(value, int)
        else str(value)
    )


def _line(loaded: Any, place: tuple[int | str, ...]) -> int:
    """The line of the innermost thing on this path that has one.

    A part that the file does not have is passed over: a field that is missing, or the name of a
    shape that Pydantic puts in between.
    """
    line = 1
    here: Any = loaded
    for part in place:
        try:
            line = (here.lc.key(part)[0] if hasattr(here, "keys") else here.lc.item(part)[0]) + 1
            here = here[part]
        except (KeyError, IndexError, AttributeError, TypeError):
            continue
    return line


def _said(message: str) -> str:
    """Without Pydantic's word for a complaint of our own."""
    return message.removeprefix("Value error, ")


def _where(place: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in place) or "document"
