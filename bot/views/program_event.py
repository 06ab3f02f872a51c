"""Events as programs receive them: CloudEvents 1.0, one JSON object each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from bot.cases.program import EventType
from bot.views.case_summary import CaseSummary

#: The name of a deployment that has no other.
DEFAULT_ORIGIN = "countersign"
CONTENT_TYPE = "application/cloudevents+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventData:
    """The case as the event left it."""

    case: CaseSummary
    #: What ``GET /v1/approvals/{id}`` answered then; null for what is no approval.
    approval: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudEvent:
    """An event of a case."""

    specversion: Literal["1.0"] = "1.0"
    #: The same whenever it is sent, and in the header ``webhook-id``.
    id: str
    #: The deployment: with several workspaces, an id is unique in one of them only.
    source: str = f"/{DEFAULT_ORIGIN}"
    type: EventType
    #: The id of the case.
    subject: str
    time: datetime
    datacontenttype: str = "application/json"
    data: EventData = field()


def event_id(case_id: str, version: int, event: EventType) -> str:
    """Name an event of a case.

    Without a dot, which the signed text has between its parts.
    """
    return f"{case_id}-{version}-{event.replace('.', '_')}"
