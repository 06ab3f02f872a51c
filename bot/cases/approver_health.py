"""The health of approvals: do people look before they approve?

Everything is read from ledger entries, and comes out as figures of a group, never of a person.
Where fewer people decided than ``MIN_PEOPLE``, figures that would be about one of them are left
out.
"""

import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from bot.cases.case import Case
from bot.cases.entries import ApprovalGiven, Edited, Entry, Rejected
from bot.cases.evolve import evolve
from bot.cases.plan import Plan
from bot.cases.probe import Probe, ProbeAnswer

T = TypeVar("T")
MIN_PEOPLE = 3
#: Fewer decisions say nothing about a habit.
MIN_DECISIONS = 20
#: 500 words a minute: faster than nearly everybody reads, so that the doubt is the approver's.
WORDS_PER_SECOND = 500 / 60
#: Half of the approvals, or more, came faster than the card can be read.
MIN_FAST_SHARE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionSample:
    """One decision of a person about a plan that they were shown."""

    #: The group that had to approve; the owner where none is named.
    group: str
    #: The account. It is counted, and leaves this module in no other way.
    person: str
    case_id: str
    #: Of the plan that was decided.
    revision: int
    #: Whoever raised the case or edited the plan; empty where only the program did.
    author: str
    is_approval: bool
    #: When this plan was first there to be read.
    shown_at: datetime
    at: datetime
    #: Words that whoever decides has to read.
    words: int
    #: Somebody had opened the details of this plan by then; None where that was not recorded.
    has_opened_details: bool | None = None
    #: Seconds that they can have spent on reading: since the plan was there, and since they
    #: decided something else.
    reading_seconds: float = 0.0

    @property
    def is_fast(self) -> bool:
        """Tell whether nobody can have read the words in this time."""
        return self.reading_seconds < self.words / WORDS_PER_SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueHealth:
    """Figures about the decisions of one group."""

    group: str
    decisions: int
    people: int
    #: Seconds from the plan to the decision, the median.
    time_to_decide: float
    #: The share of approvals among the decisions.
    approval_share: float
    #: The share of approvals that came faster than their words can be read. These four are None
    #: where too few people decided.
    fast_share: float | None
    #: The share of decisions before which nobody had opened the details of the plan.
    unopened_share: float | None
    #: The share of the decisions that the busiest person made.
    busiest_share: float | None
    #: Of the approvals of what a person wrote: the share of the most frequent pair of both.
    pair_share: float | None
    #: Practice cases that were decided, and those of them that were not simply approved. None
    #: where too few people decided.
    practice_count: int | None = None
    noticed_count: int | None = None

    @property
    def is_rubber_stamped(self) -> bool:
        """Tell whether the queue is approved unread, and never refused."""
        return (
            self.decisions >= MIN_DECISIONS
            and self.fast_share is not None
            and self.fast_share >= MIN_FAST_SHARE
            and self.approval_share == 1.0
        )


def decision_samples(entries: Iterable[Entry]) -> Iterator[DecisionSample]:
    """Yield the decisions of one case, without their reading time."""
    case: Case | None = None
    shown_at: datetime | None = None
    for entry in entries:
        before = case
        case = evolve(before, entry)
        if before is None or before.proposal.revision != case.proposal.revision:
            shown_at = entry.at
        if before is None or shown_at is None or not entry.actor.is_person:
            continue
        is_decision = isinstance(entry.body, ApprovalGiven | Rejected)
        if is_decision and before.proposal.plan is not None:
            yield DecisionSample(
                group=_group(before),
                person=entry.actor.id,
                case_id=entry.case_id,
                revision=before.proposal.revision,
                author=_author(before),
                is_approval=isinstance(entry.body, ApprovalGiven),
                shown_at=shown_at,
                at=entry.at,
                words=count_words(before, before.proposal.plan),
            )
        if isinstance(entry.body, Edited):
            shown_at = entry.at


def count_words(case: Case, plan: Plan) -> int:
    """Count the words of a card that a decision rests on."""
    assessment, recommendation = case.assessment, case.proposal.recommendation
    texts = [assessment.what, assessment.why]
    if recommendation:
        texts.append(recommendation.reason)
    for action in plan.actions:
        texts += [action.summary, action.preview]
    return sum(len(text.split()) for text in texts)


def measure_health(
    samples: Iterable[DecisionSample], probes: Iterable[Probe] = ()
) -> list[QueueHealth]:
    """Return the health of each group, the busiest first.

    Of a group that decided nothing but practice cases nothing is said.
    """
    answers: dict[str, list[ProbeAnswer]] = {}
    for probe in probes:
        if probe.answer not in {None, ProbeAnswer.NONE}:
            answers.setdefault(probe.group, []).append(probe.answer)
    by_group: dict[str, list[DecisionSample]] = {}
    for sample in _with_reading_time(samples):
        by_group.setdefault(sample.group, []).append(sample)
    queues = [_queue(group, members, answers.get(group, ())) for group, members in by_group.items()]
    return sorted(queues, key=lambda queue: (-queue.decisions, queue.group))


def _with_reading_time(samples: Iterable[DecisionSample]) -> Iterator[DecisionSample]:
    """Add the time that each person can have spent on reading."""
    last: dict[str, datetime] = {}
    for sample in sorted(samples, key=lambda sample: sample.at):
        since = max(sample.shown_at, last.get(sample.person, sample.shown_at))
        last[sample.person] = sample.at
        seconds = (sample.at - since).total_seconds()
        yield replace(sample, reading_seconds=max(0.0, seconds))


def _queue(
    group: str, samples: Sequence[DecisionSample], answers: Sequence[ProbeAnswer]
) -> QueueHealth:
    people = {sample.person for sample in samples}
    approvals = [sample for sample in samples if sample.is_approval]
    pairs = [(sample.author, sample.person) for sample in approvals if sample.author]
    waits = [(sample.at - sample.shown_at).total_seconds() for sample in samples]
    openings = [one.has_opened_details for one in samples if one.has_opened_details is not None]
    health = QueueHealth(
        group=group,
        decisions=len(samples),
        people=len(people),
        time_to_decide=statistics.median(waits),
        approval_share=len(approvals) / len(samples),
        fast_share=_share([sample.is_fast for sample in approvals]),
        unopened_share=_share([not has_opened for has_opened in openings]),
        busiest_share=_largest_share([sample.person for sample in samples]),
        pair_share=_largest_share(pairs),
        practice_count=len(answers),
        noticed_count=sum(answer.is_noticed for answer in answers),
    )
    if len(people) >= MIN_PEOPLE:
        return health
    return replace(
        health,
        fast_share=None,
        unopened_share=None,
        busiest_share=None,
        pair_share=None,
        practice_count=None,
        noticed_count=None,
    )


def _share(values: Sequence[bool]) -> float | None:
    return sum(values) / len(values) if values else None


def _largest_share(values: Sequence[T]) -> float | None:
    if not values:
        return None
    ((_, count),) = Counter(values).most_common(1)
    return count / len(values)


def _group(case: Case) -> str:
    factors = case.proposal.factors
    return factors[0].group if factors else case.owner


def _author(case: Case) -> str:
    """Return the last editor of the plan, else who raised the case."""
    if case.proposal.editors:
        return case.proposal.editors[-1]
    return case.signal.requester or ""
