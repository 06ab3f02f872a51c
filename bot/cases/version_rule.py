"""The rule by which a changed playbook is tried."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from bot.cases.constraints import Name, Span
from bot.cases.expressions import Expression

PERCENT = 100
_PERCENT = re.compile(r"([0-9]{1,3}) ?%")


def _read_percent(value: Any) -> int:
    """Read a share as people write it: 20%."""
    match = _PERCENT.fullmatch(str(value).strip())
    if match is None or int(match[1]) > PERCENT:
        raise ValueError("must be a share like 20%, at most 100%")
    return int(match[1])


Percent = Annotated[
    int,
    BeforeValidator(_read_percent),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^\s*(0?[0-9]?[0-9]|100) ?%\s*$",
            "description": "A share like 20%.",
        }
    ),
]
CaseCount = Annotated[int, Field(ge=0, le=500, strict=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRule:
    """The cases that a changed playbook must see and may judge."""

    #: So many cases it judges beside the version in force, and nothing follows from it.
    shadow: CaseCount = 20
    #: Then it judges this share of the cases, by their subjects; none for 0%.
    share: Percent = 20
    #: By kind, a condition over the facts in place of the share: ``shop.venue == 'Soho'``.
    only: Mapping[Name, Expression] = field(default_factory=dict)
    #: So many of the cases that it judges must have ended before people are asked.
    trial: CaseCount = 10
    #: So long after it came into force a bad outcome brings the version before back.
    watch: Span = timedelta(days=30)

    def has_trial(self, kind: str) -> bool:
        """Tell whether it judges some cases before people are asked."""
        return self.trial > 0 and (self.share > 0 or kind in self.only)


def is_in_share(version: str, subject: str, share: int) -> bool:
    """Tell whether a version on trial judges the cases of this subject.

    A subject always meets the same version, and an auditor finds the same share.
    """
    digest = hashlib.sha256(f"{version}\n{subject}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % PERCENT < share
