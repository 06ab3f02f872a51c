"""Circumstances: what policy knows of a case besides its plan."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.cases.plan import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """The case around a plan, for hours and rules of policy."""

    kind: str
    #: The time by the clock on the wall of the case's channel.
    local_at: datetime
    source: str = ""
    channel: str = ""
    stake: Money | None = None
    #: The facts of signal and look-ups by name; empty where policy has no rules.
    facts: Mapping[str, Any] = field(default_factory=dict)
    #: Why a person must look at this plan, beside what policy says; empty for no reason.
    doubt: str = ""
