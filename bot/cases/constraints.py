"""Types of values in YAML: patterns, lengths, bounds and durations.

Pydantic checks them where a file is read. Python code sees plain strings, numbers and times.
"""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
)

from bot.cases.plan import MAX_AMOUNT

MAX_DAYS = 3_650
MIN_SPAN = timedelta(seconds=1)
MAX_SPAN = timedelta(days=MAX_DAYS)
# A longer run of digits is no duration, and would overflow.
MAX_DIGITS = 15
_DURATION = re.compile(rf"([0-9]{{1,{MAX_DIGITS}}})(ms|s|m|h|d)")
_MILLISECONDS = {
    "ms": 1,
    "s": 1_000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
}


def _read_duration(value: Any) -> timedelta:
    """Read a duration as people write it: 1500ms, 30s, 15m, 48h, 7d."""
    match = _DURATION.fullmatch(str(value).strip())
    if match is None:
        raise ValueError("must be a duration like 30s, 15m, 48h or 7d")
    number, unit = match.groups()
    try:
        return timedelta(milliseconds=int(number) * _MILLISECONDS[unit])
    except OverflowError:
        raise ValueError(f"must be at least 1s and at most {MAX_DAYS}d") from None


def _check_span(span: timedelta) -> timedelta:
    if not MIN_SPAN <= span <= MAX_SPAN:
        raise ValueError(f"must be at least 1s and at most {MAX_DAYS}d")
    return span


# What an editor shows of a duration, and refuses; the bounds in days are left to the loader.
_DURATION_FORM = WithJsonSchema(
    {
        "type": "string",
        "pattern": rf"^\s*[0-9]{{1,{MAX_DIGITS}}}(ms|s|m|h|d)\s*$",
        "description": "A duration like 500ms, 30s, 15m, 48h or 7d.",
    }
)
_SPAN_FORM = WithJsonSchema(
    {
        "type": "string",
        "pattern": r"^\s*(0*[1-9][0-9]{3,14}ms|0*[1-9][0-9]{0,14}[smhd])\s*$",
        "description": f"A duration like 30s, 15m, 48h or 7d; at least 1s, at most {MAX_DAYS}d.",
    }
)

#: A duration that may be shorter than a second.
Duration = Annotated[timedelta, BeforeValidator(_read_duration), _DURATION_FORM]
#: A duration of a second at least.
Span = Annotated[
    timedelta, BeforeValidator(_read_duration), AfterValidator(_check_span), _SPAN_FORM
]

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,48}$")]
OptionalName = Annotated[str, StringConstraints(pattern=r"^([a-z][a-z0-9_]{1,48})?$")]
#: The handle of a Slack user group, a source or a domain.
Handle = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,48}$")]
OptionalHandle = Annotated[str, StringConstraints(pattern=r"^([a-z0-9][a-z0-9._-]{0,48})?$")]
UserId = Annotated[str, StringConstraints(pattern=r"^[UW][A-Z0-9]{2,20}$")]
# Names of channels are lower case, so none of them looks like an id. They may have letters of any
# language: all but the other signs and capital letters of ASCII.
_CHANNEL = (
    r"[CG][A-Z0-9]{2,20}"
    r"|#?[^\x00-\x2f\x3a-\x60\x7b-\x7f\s][^\x00-\x2c\x2e\x2f\x3a-\x5e\x60\x7b-\x7f\s]{0,79}"
)
_CHANNEL_ID = re.compile(r"[CG][A-Z0-9]{2,20}")


def _drop_hash(channel: str) -> str:
    return channel.removeprefix("#")


def is_channel_name(channel: str) -> bool:
    """Tell whether this is the name of a channel, and no id."""
    return bool(channel) and not _CHANNEL_ID.fullmatch(channel)


#: A channel by its id, or by its name with or without "#".
ChannelId = Annotated[
    str, StringConstraints(pattern=rf"^({_CHANNEL})$"), AfterValidator(_drop_hash)
]
SlackChannelId = Annotated[str, StringConstraints(pattern=r"^[CG][A-Z0-9]{2,20}$")]
OptionalChannelId = Annotated[
    str, StringConstraints(pattern=rf"^({_CHANNEL})?$"), AfterValidator(_drop_hash)
]
Text = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Query = Annotated[str, StringConstraints(min_length=8, max_length=4000)]
OptionalQuery = Annotated[str, StringConstraints(max_length=4000)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Amount = Annotated[Decimal, Field(ge=0, le=MAX_AMOUNT)]
#: How often something may happen. Strict, because YAML's true and false are numbers too.
Times = Annotated[int, Field(ge=0, strict=True)]
#: The name of a variable of the environment; the secret itself is in no file.
EnvironmentName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{2,60}$")]
OptionalEnvironmentName = Annotated[str, StringConstraints(pattern=r"^([A-Z][A-Z0-9_]{2,60})?$")]


def not_below(lower_field: str, why: str = "") -> AfterValidator:
    """Require a value that reaches the one of an earlier field."""

    def check(value: Any, info: ValidationInfo) -> Any:
        # A lower field that is wrong itself is missing here, and has its own complaint.
        lower = info.data.get(lower_field)
        if value is not None and lower is not None and value < lower:
            raise ValueError(f"{info.field_name} is below {lower_field}{why}")
        return value

    return AfterValidator(check)


# Aliases that no author would write: a file that sets such a field has an unknown field.
_KEY = "[key]"
#: For a field that the program fills in after reading.
NOT_IN_FILE = Field(validation_alias="[computed]")
#: For the name of an entry, which is its key in the mapping around it.
FROM_KEY = Field(validation_alias=_KEY)


def _pass_keys(entries: Any) -> Any:
    if not isinstance(entries, dict):
        return entries
    return {key: _with_key(key, entry) for key, entry in entries.items()}


def _with_key(key: str, entry: Any) -> Any:
    return {**entry, _KEY: key} if isinstance(entry, dict) else entry


#: For a mapping whose entries have a field that is ``FROM_KEY``.
KEYED = BeforeValidator(_pass_keys)
