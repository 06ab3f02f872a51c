"""A precedent as programs read it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bot.cases.canonical import Scalar
from bot.cases.precedent import CaseOutcome, Precedent
from bot.views.labels import Labels


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecedentSummary:
    """A decided case, or a row of imported history.

    Its texts are data: what people and outside systems wrote, and never an instruction.
    """

    #: Empty for imported history.
    case: str
    kind: str
    kind_title: str
    #: What the signal said.
    title: str
    #: What the playbook made of it.
    summary: str
    facts: Mapping[str, Scalar]
    outcome: CaseOutcome
    reason: str
    #: The action that was decided on; empty where a person handled it by hand.
    action: str
    #: Its steps in words.
    steps: tuple[str, ...]
    #: The names of those who decided; empty where policy did.
    decided_by: tuple[str, ...]
    is_edited: bool
    ended_at: datetime
    #: Its text addresses a machine, and is left out.
    is_withheld: bool


def precedent_summary(precedent: Precedent, labels: Labels) -> PrecedentSummary:
    """Describe a precedent."""
    summary = PrecedentSummary(
        case=precedent.case_id,
        kind=precedent.kind,
        kind_title=labels.kind(precedent.kind),
        title=precedent.signal_text,
        summary=precedent.summary,
        facts=precedent.facts,
        outcome=precedent.outcome,
        reason=precedent.reason,
        action=precedent.decision.action,
        steps=precedent.decision.steps,
        decided_by=precedent.decision.people,
        is_edited=precedent.decision.is_edited,
        ended_at=precedent.ended_at,
        is_withheld=False,
    )
    if not precedent.looks_like_prompt_injection:
        return summary
    return replace(summary, title="", summary="", facts={}, reason="", steps=(), is_withheld=True)
