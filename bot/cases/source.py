"""Who may send signals over HTTP, in what form, how many, and under which names their secrets are found in the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

# Names under which the desk itself speaks: nobody outside may be called so.
ABSENCE, BY_HAND, TRIAL = "absence", "slack", "try"
RESERVED_NAMES = frozenset({ABSENCE, BY_HAND, TRIAL, "countersign", "desk", "operator", "policy"})


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
    #: Shared with other sources on purpose; empty for a source that speaks for itself alone.
    domain: str = ""
    #: The only kinds it may send; empty for any.
    kinds: tuple[str, ...] = ()

    @property
    def origin(self) -> str:
        """Name whose trouble its signals are."""
        return self.domain or self.name

    @property
    def allowed_kinds(self) -> tuple[str, ...]:
        """List the kinds that it may send; empty for any."""
        return (self.kind,) if self.kind else self.kinds
