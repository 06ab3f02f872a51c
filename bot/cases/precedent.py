"""Precedents: decided revisions of cases, with their outcome.

They follow from the ledger alone, so memory can always be rebuilt from it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot.cases.canonical import Scalar
from bot.cases.case import Case
from bot.cases.entries import (
    Body,
    Entry,
    Named,
    Novel,
    Rejected,
    Reopened,
    Resolution,
    Resolved,
    Stopped,
)
from bot.cases.evolve import evolve
from bot.cases.kind_origin import UNKNOWN_ORIGIN, KindOrigin, KindSource, origin_of
from bot.cases.lifecycle import State
from bot.cases.program import is_approval_kind
from bot.cases.prompt_injection import looks_like_prompt_injection
from bot.cases.recommendation import Recommendation
from bot.cases.signal import READ_BY, UNRECOGNISED, Signal

STALE_AFTER = timedelta(days=365)
MAX_FACTS = 12
MAX_TEXT_LENGTH = 2_000
MAX_REASONS = 2
MAX_FARTHER = 2
MAX_FARTHER_TITLE_LENGTH = 80
#: Ends the id of the precedent of what a person did after a card.
BY_HAND_SUFFIX = "h"


class CaseOutcome(StrEnum):
    """The outcome of a decided plan."""

    WORKED = "worked"
    REOPENED = "reopened"
    UNDONE = "undone"
    BY_HAND = "handled by hand"
    REJECTED = "rejected"


#: An earlier outcome of the same plan may stand before these.
CHANGED_OUTCOMES = (CaseOutcome.REOPENED, CaseOutcome.UNDONE)
APPROVED_OUTCOMES = (CaseOutcome.WORKED, CaseOutcome.REOPENED, CaseOutcome.UNDONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecedentDecision:
    """The decision on a plan."""

    #: The action that was decided on; empty when a person handled it by hand.
    action: str
    #: The names of those who decided; empty when policy did.
    people: tuple[str, ...]
    #: The plan's steps in words.
    steps: tuple[str, ...] = ()
    #: A person edited the plan.
    is_edited: bool = False
    #: The confidence on the card, in per cent.
    card_confidence: int | None = None
    #: How many of a hundred such recommendations the card promised to be right.
    card_promise: int | None = None
    #: The confidence of the model, before the card's was corrected, in per cent.
    model_confidence: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Precedent:
    """A decided revision of a case, or a row of imported history.

    It is stored under the names in ``bot.cases.precedent_json``.
    """

    #: Case and revision, or batch and row.
    id: str
    kind: str
    #: The kind is known, not only guessed.
    is_kind_known: bool = True
    #: Recognition learns from it.
    signal_text: str
    #: The summary of the playbook.
    summary: str
    facts: Mapping[str, Scalar]
    decision: PrecedentDecision
    outcome: CaseOutcome
    reason: str
    ended_at: datetime
    channel: str
    case_id: str = ""
    #: The import that it came with.
    batch: str = ""
    #: Who named the kind.
    kind_origin: KindOrigin = UNKNOWN_ORIGIN

    @property
    def is_reviewed(self) -> bool:
        """Tell whether a person decided it.

        Everything else is shown, but never learned from.
        """
        return bool(self.decision.people)

    @property
    def looks_like_prompt_injection(self) -> bool:
        """Tell whether its text addresses a machine.

        Then it is neither counted nor learned from.
        """
        return looks_like_prompt_injection(f"{self.signal_text}\n{self.summary}\n{self.reason}")

    @property
    def is_trainable(self) -> bool:
        """Tell whether models may learn from it."""
        # Of what programs write nothing is learned.
        is_of_program = is_approval_kind(self.kind)
        return self.is_reviewed and not is_of_program and not self.looks_like_prompt_injection

    @property
    def card_id(self) -> str:
        """Return what precedents of one card share: case and revision."""
        return self.id.removesuffix(BY_HAND_SUFFIX)

    @property
    def was_right(self) -> bool:
        """Tell whether a person approved the card unedited, and it worked."""
        is_as_recommended = bool(self.decision.action) and not self.decision.is_edited
        return is_as_recommended and self.outcome is CaseOutcome.WORKED

    @property
    def text(self) -> str:
        """Join the text of its signal and that of its playbook."""
        return f"{self.signal_text}\n{self.summary}"[:MAX_TEXT_LENGTH]

    @property
    def title(self) -> str:
        """Return the first line of its signal."""
        return self.signal_text.partition("\n")[0]

    def is_stale(self, now: datetime) -> bool:
        """Tell whether it is too old to rely on."""
        return now - self.ended_at > STALE_AFTER


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A person's word on the kind of an unrecognised case."""

    case_id: str
    signal_text: str
    #: Empty for something new.
    kind: str
    by: str
    at: datetime
    #: What recognition had named, and this person took back. Empty where it had named none.
    recognised_kind: str = ""

    @property
    def origin(self) -> KindOrigin:
        """Return who named the kind."""
        return KindOrigin(KindSource.PERSON, self.recognised_kind)


def signal_text(signal: Signal) -> str:
    """Join the title of a signal and its facts in words."""
    words = [signal.title]
    for name, value in signal.facts.items():
        if isinstance(value, str) and not value.isdigit() and name != READ_BY:
            words.append(value)
    return "\n".join(dict.fromkeys(words))[:MAX_TEXT_LENGTH]


def precedents_from(entries: Iterable[Entry]) -> tuple[list[Precedent], Label | None]:
    """Make the precedents of one case, and its label.

    There is one precedent for each decided revision, and none once the case is past its term.
    """
    precedents: dict[str, Precedent] = {}
    label: Label | None = None
    case: Case | None = None
    last_id = ""
    for entry in entries:
        before = case
        case = evolve(case, entry)
        body = entry.body
        if isinstance(body, Named | Novel):
            label = _label(case, body, entry)
        if isinstance(body, Reopened):
            if before and before.state is State.RESOLVED and last_id in precedents:
                precedents[last_id] = replace(
                    precedents[last_id], outcome=CaseOutcome.REOPENED, reason=body.reason
                )
            continue
        result = _outcome(body)
        if result:
            outcome, reason = result
            by_hand = BY_HAND_SUFFIX if outcome is CaseOutcome.BY_HAND else ""
            last_id = f"{case.id}.{case.proposal.revision}{by_hand}"
            precedents[last_id] = _precedent(last_id, case, entry, outcome=outcome, reason=reason)
    if case and case.signal.is_removed:
        return [], None
    return list(precedents.values()), label


@dataclass(frozen=True, slots=True)
class PrecedentVersion:
    """A precedent as memory held it for a time.

    A plan that worked is a precedent for that until its case is opened again.
    """

    precedent: Precedent
    since: datetime
    #: None where nothing has changed it since.
    until: datetime | None = None

    def is_held(self, at: datetime) -> bool:
        """Tell whether memory held this before a moment."""
        return self.since < at and (self.until is None or at <= self.until)


def precedent_versions(entries: Iterable[Entry]) -> list[PrecedentVersion]:
    """List the precedents of one case in every form that they had."""
    versions: dict[str, list[PrecedentVersion]] = {}
    history: list[Entry] = []
    for entry in entries:
        history.append(entry)
        if not isinstance(entry.body, Reopened) and _outcome(entry.body) is None:
            continue
        precedents, _ = precedents_from(history)
        for precedent in precedents:
            earlier = versions.setdefault(precedent.id, [])
            if earlier and earlier[-1].precedent == precedent:
                continue
            if earlier:
                earlier[-1] = replace(earlier[-1], until=entry.at)
            earlier.append(PrecedentVersion(precedent, since=entry.at))
    return [version for every in versions.values() for version in every]


def _label(case: Case, body: Named | Novel, entry: Entry) -> Label:
    return Label(
        case_id=case.id,
        signal_text=signal_text(case.signal),
        kind=body.kind if isinstance(body, Named) and body.kind != UNRECOGNISED else "",
        by=body.by_name,
        at=entry.at,
        recognised_kind=origin_of(case.classification).recognised_kind,
    )


def _outcome(body: Body) -> tuple[CaseOutcome, str] | None:
    """Return the outcome and its reason, where this entry has one."""
    match body:
        case Resolved(resolution=Resolution.BY_HAND):
            return CaseOutcome.BY_HAND, body.note
        case Resolved():
            return CaseOutcome.WORKED, ""
        case Rejected():
            note = f": {body.note}" if body.note else ""
            return CaseOutcome.REJECTED, f"{body.reason.description}{note}"
        case Stopped():
            return CaseOutcome.UNDONE, body.reason
        case _:
            return None


def _precedent(
    name: str, case: Case, entry: Entry, *, outcome: CaseOutcome, reason: str
) -> Precedent:
    facts = [fact for fact in case.assessment.evidence if fact.label and fact.failure is None]
    # A kind that a model guessed is known only once a person has acted on it.
    is_kind_known = (
        case.classification.recognition is None
        or bool(case.classification.named_by)
        or outcome is not CaseOutcome.REJECTED
    )
    return Precedent(
        id=name,
        kind=case.kind,
        is_kind_known=is_kind_known,
        signal_text=signal_text(case.signal),
        summary=case.assessment.what[:MAX_TEXT_LENGTH],
        facts={fact.label: fact.value for fact in facts[:MAX_FACTS]},
        decision=_decision(case, entry, outcome),
        outcome=outcome,
        reason=reason[:MAX_TEXT_LENGTH],
        ended_at=entry.at,
        channel=case.channel,
        case_id=case.id,
        kind_origin=origin_of(case.classification),
    )


def _decision(case: Case, entry: Entry, outcome: CaseOutcome) -> PrecedentDecision:
    actions = (
        case.proposal.plan.actions
        if case.proposal.plan and outcome is not CaseOutcome.BY_HAND
        else ()
    )
    card = case.proposal.recommendation or _NO_RECOMMENDATION
    return PrecedentDecision(
        action=actions[0].name if actions else "",
        people=_deciders(case, entry),
        steps=tuple(action.summary for action in actions),
        is_edited=bool(case.proposal.changes),
        card_confidence=card.confidence,
        card_promise=card.promised_percent,
        model_confidence=card.model_confidence,
    )


_NO_RECOMMENDATION = Recommendation("", "", "")


def _deciders(case: Case, entry: Entry) -> tuple[str, ...]:
    names = [approval.name for approval in case.proposal.approvals if not approval.is_by_policy]
    by_name = getattr(entry.body, "by_name", "")
    if by_name:
        names.append(by_name)
    return tuple(dict.fromkeys(names))


def tally(precedents: Iterable[Precedent]) -> str:
    """Summarise outcomes for the card.

    For example: "7 like this: 5 approved (4 worked, 1 reopened), 2 rejected: the plan is
    wrong".
    """
    precedents = list(precedents)
    if not precedents:
        return ""
    by_people = [precedent for precedent in precedents if precedent.is_reviewed]
    counts = Counter(precedent.outcome for precedent in by_people)
    parts = []
    approvals = [outcome for outcome in APPROVED_OUTCOMES if counts[outcome]]
    if approvals:
        outcomes = ", ".join(f"{counts[outcome]} {outcome}" for outcome in approvals)
        parts.append(f"{sum(counts[outcome] for outcome in approvals)} approved ({outcomes})")
    if counts[CaseOutcome.BY_HAND]:
        parts.append(f"{counts[CaseOutcome.BY_HAND]} handled by hand")
    if counts[CaseOutcome.REJECTED]:
        parts.append(f"{counts[CaseOutcome.REJECTED]} rejected: {_common_reasons(by_people)}")
    automatic = len(precedents) - len(by_people)
    if automatic:
        parts.append(f"{automatic} run by policy without a person")
    return f"{len(precedents)} like this: {', '.join(parts)}"


def describe_farther(precedents: Iterable[Precedent]) -> str:
    """Name some precedents that are perhaps similar.

    For example: "none like this. Perhaps similar: “Barolo is running low” (worked)".
    """
    # A text that gives orders is no title.
    titles = [
        f"“{precedent.title[:MAX_FARTHER_TITLE_LENGTH]}” ({precedent.outcome})"
        for precedent in precedents
        if not precedent.looks_like_prompt_injection
    ]
    names = ", ".join(titles[:MAX_FARTHER])
    return f"none like this. Perhaps similar: {names}" if names else ""


def _common_reasons(precedents: Iterable[Precedent]) -> str:
    """Name the most common reasons of rejection."""
    reasons: Counter[str] = Counter()
    for precedent in precedents:
        if precedent.outcome is CaseOutcome.REJECTED:
            reasons[precedent.reason.partition(":")[0].lower()] += 1
    return ", ".join(reason for reason, _ in reasons.most_common(MAX_REASONS))
