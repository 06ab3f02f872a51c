"""The stages of actions and their records, for lists."""

from dataclasses import dataclass
from datetime import datetime

from bot.cases.autonomy import Gate
from bot.cases.policy import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionStage:
    """One action of one kind, with its stage and record."""

    kind: str
    kind_title: str
    action: str
    action_title: str
    stage: Stage
    #: When and by whom it was recorded; None and empty where the playbook's stage holds.
    since: datetime | None
    by_name: str
    #: Towards the next stage; None where there is none.
    gate: Gate | None
