"""A precedent is a decided revision of a case: what it was, what was done about it, by whom, and how that ended.

Precedents and labels follow from the ledger alone, so memory can always be made again from it.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot.cases import entries as e
from bot.cases.canonical import Scalar
from bot.cases.case import Case, evolve
from bot.cases.entries import Body, Entry
from bot.cases.lifecycle import State
from bot.cases.signal import Signal

STALE_AFTER = timedelta(days=365)
MAX_FACTS = 12
MAX_TEXT_LENGTH = 2_000
# Text that speaks to a machine instead of telling what happened. A flag, not a defence: nothing such text says has any
# effect in the first place.
_ORDERS = re.compile(
    r"\b(ignore|disregard|forget|override)\b.{0,30}\b(instructions?|rules?|guidelines|polic(y|ies)|prompts?)\b"
    r"|\b(always|automatically|auto)[\s-]*approv|\bpre[\s-]?approved\b"
    r"|\b(system|developer|hidden)\s+(prompt|message|note|instructions?)\b|^\W*system\s*:|\bnew (instructions?|directive)\b"
    r"|\byou are (now|no longer)\b|\bfrom now on\b|\b(pretend|act as if) you\b|\bjailbr|\bDAN\b|\boverride\s*:"
    r"|\b(note|message) (to|for) (the|any) (bot|assistant|ai|model)\b|\bAI (assistant|agents?)\b"
    r"|\b(skip|bypass|disable)\b.{0,30}\b(approvals?|checks?|review|policy|confirmation)\b"
    r"|\b(no|without) (rules|restrictions|filters?|limits)\b|<\|?\s*(im_start|system|assistant)",
    re.IGNORECASE | re.DOTALL | re.MULTILINE,
)


class CaseOutcome(StrEnum):
    """How a decided plan ended."""

    WORKED = "worked"
    REOPENED = "reopened"
    UNDONE = "undone"
    BY_HAND = "handled by hand"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Precedent:
    """``id`` is case and revision, or batch and row of an imported past. ``said`` is what its signal said: what recognition learns from.

    ``action`` is what was decided on, empty when a person did something by hand. ``shown`` is the confidence (per cent) on its card.
    """

    id: str
    kind: str
    said: str
    what: str
    facts: Mapping[str, Scalar]
    action: str
    steps: tuple[str, ...]
    decided_by: tuple[str, ...]
    ended: CaseOutcome
    reason: str
    ended_at: datetime
    channel: str
    case_id: str = ""
    batch: str = ""
    edited: bool = False
    named: bool = True
    shown: int | None = None

    @property
    def is_reviewed(self) -> bool:
        """Whether a person decided it. What no person looked at is shown, but never learned from."""
        return bool(self.decided_by)

    @property
    def looks_like_prompt_injection(self) -> bool:
        """Whether its words address a machine: flagged for people, and neither counted nor learned from."""
        return looks_like_prompt_injection(f"{self.said}\n{self.what}\n{self.reason}")

    @property
    def is_trainable(self) -> bool:
        return self.is_reviewed and not self.looks_like_prompt_injection

    @property
    def text(self) -> str:
        """Its words: what its signal said, and what the playbook made of it."""
        return f"{self.said}\n{self.what}"[:MAX_TEXT_LENGTH]

    def is_stale(self, now: datetime) -> bool:
        return now - self.ended_at > STALE_AFTER


@dataclass(frozen=True, slots=True)
class Label:
    """A person's word on what an unrecognised case was; ``kind`` is empty for "something new"."""

    case_id: str
    said: str
    kind: str
    by: str
    at: datetime


def looks_like_prompt_injection(text: str) -> bool:
    """Whether the text looks as if it wants to steer a machine."""
    return _ORDERS.search(text) is not None


def signal_text(signal: Signal) -> str:
    """The words of a signal: its title and the facts that are words."""
    words = [
        value for value in signal.facts.values() if isinstance(value, str) and not value.isdigit()
    ]
    return "\n".join(dict.fromkeys([signal.title, *words]))[:MAX_TEXT_LENGTH]


def precedents_from(entries: Iterable[Entry]) -> tuple[list[Precedent], Label | None]:
    """What there is to remember of one case: a precedent for each decided revision, and the label it was given."""
    found: dict[str, Precedent] = {}
    label: Label | None = None
    case: Case | None = None
    last = ""
    for entry in entries:
        before, case = case, evolve(case, entry)
        body = entry.body
        if isinstance(body, e.Named | e.Novel):
            kind = body.kind if isinstance(body, e.Named) else ""
            label = Label(case.id, signal_text(case.signal), kind, body.by_name, entry.at)
        if isinstance(body, e.Reopened):
            if before and before.state is State.RESOLVED and last in found:
                found[last] = replace(found[last], ended=CaseOutcome.REOPENED, reason=body.reason)
            continue
        ended = _ended(body)
        if ended:
            last = f"{case.id}.{case.revision}{'h' if ended[0] is CaseOutcome.BY_HAND else ''}"
            found[last] = _precedent(last, case, entry, *ended)
    return list(found.values()), label


def _ended(body: Body) -> tuple[CaseOutcome, str] | None:
    if isinstance(body, e.Resolved):
        by_hand = body.resolution is e.Resolution.BY_HAND
        return (CaseOutcome.BY_HAND, body.note) if by_hand else (CaseOutcome.WORKED, "")
    if isinstance(body, e.Rejected):
        return CaseOutcome.REJECTED, body.reason.description + (
            f": {body.note}" if body.note else ""
        )
    return (CaseOutcome.UNDONE, body.reason) if isinstance(body, e.Stopped) else None


def _precedent(name: str, case: Case, entry: Entry, ended: CaseOutcome, reason: str) -> Precedent:
    by_name = getattr(entry.body, "by_name", "")
    people = [given.name for given in case.approvals if not given.person.startswith("policy:")]
    actions = case.plan.actions if case.plan and ended is not CaseOutcome.BY_HAND else ()
    recommendation = case.recommendation
    shown = [fact for fact in case.evidence if fact.label and fact.failure is None]
    return Precedent(
        id=name,
        kind=case.kind,
        said=signal_text(case.signal),
        what=case.what[:MAX_TEXT_LENGTH],
        facts={fact.label: fact.value for fact in shown[:MAX_FACTS]},
        action=actions[0].name if actions else "",
        steps=tuple(action.summary for action in actions),
        decided_by=tuple(dict.fromkeys([*people, *([by_name] if by_name else [])])),
        ended=ended,
        reason=reason[:MAX_TEXT_LENGTH],
        ended_at=entry.at,
        channel=case.channel,
        case_id=case.id,
        edited=bool(case.changes),
        # A kind that a model guessed counts as known only once a person has acted on it.
        named=case.recognition is None or bool(case.named_by) or ended is not CaseOutcome.REJECTED,
        shown=recommendation.confidence if recommendation else None,
    )


def tally(precedents: Iterable[Precedent]) -> str:
    """How like cases ended, as the card says it: "7 like this: 5 approved (4 worked, 1 reopened), 2 rejected: the plan is wrong"."""
    found = list(precedents)
    counted = [precedent for precedent in found if precedent.is_reviewed]
    by = Counter(precedent.ended for precedent in counted)
    approved = [
        ended
        for ended in (CaseOutcome.WORKED, CaseOutcome.REOPENED, CaseOutcome.UNDONE)
        if by[ended]
    ]
    parts = []
    if approved:
        outcomes = ", ".join(f"{by[ended]} {ended}" for ended in approved)
        parts.append(f"{sum(by[ended] for ended in approved)} approved ({outcomes})")
    if by[CaseOutcome.BY_HAND]:
        parts.append(f"{by[CaseOutcome.BY_HAND]} handled by hand")
    if by[CaseOutcome.REJECTED]:
        reasons = Counter(
            item.reason.partition(":")[0].lower()
            for item in counted
            if item.ended is CaseOutcome.REJECTED
        )
        parts.append(
            f"{by[CaseOutcome.REJECTED]} rejected: {', '.join(reason for reason, _ in reasons.most_common(2))}"
        )
    alone = len(found) - len(counted)
    if alone:
        parts.append(f"{alone} run by policy without a person")
    return f"{len(found)} like this: {', '.join(parts)}" if found else ""
