"""Who may send signals over HTTP, in what form, how many, and under which names their secrets are found in the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Format(StrEnum):
    SIGNAL = "signal"
    CLOUDEVENTS = "cloudevents"
    ALERTMANAGER = "alertmanager"
    MAPPING = "mapping"


@dataclass(frozen=True, slots=True)
class SignalMapping:
    """JMESPath expressions into a body that is not ours."""

    key: str
    subject: str
    title: str
    each: str = ""
    occurred_at: str = ""
    clear: str = ""
    kind: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    name: str
    format: Format
    kind: str = ""
    token_env: tuple[str, ...] = ()
    webhook_secret_env: tuple[str, ...] = ()
    per_minute: int = 6000
    mapping: SignalMapping | None = None
