"""The daily digest of a channel or person, and the weekly review."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from bot.cases.case import Case
from bot.cases.plan import Money
from bot.cases.results import AgreementType, EndedCases
from bot.views.calls import MissedCall
from bot.views.inquiries import FrequentInquiry
from bot.views.promises import LapsedPromise
from bot.views.question_list import NO_QUESTIONS, QuestionListView
from bot.views.queue_health import BusyQueue
from bot.views.rows import CaseRow
from bot.views.trend import TrendDay


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Numbers since the last digest."""

    openings: int = 0
    resolutions: int = 0
    #: Resolved without an approval.
    alone: int = 0
    rejections: int = 0
    clearings: int = 0
    expiries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """The share of decisions as recommended, in one kind."""

    kind: str
    title: str
    as_recommended: int
    after_edit: int
    otherwise: int

    @property
    def rank(self) -> tuple[int, str]:
        """Sort the kind with the most disagreement first."""
        return (-(self.otherwise + self.after_edit), self.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """The weekly review."""

    #: Cases whose kind the bot did not recognise.
    blind: tuple[CaseRow, ...]
    agreements: tuple[Agreement, ...]
    slow: tuple[CaseRow, ...]
    reopenings: int
    taken_back: int
    #: What people asked most often: each is a look-up worth adding to its playbook.
    inquiries: tuple[FrequentInquiry, ...] = ()
    #: Cases that nobody decided in time, though somebody was called.
    misses: tuple[MissedCall, ...] = ()
    #: Queues that are approved faster than they can be read, for the lead of the operation.
    busy_queues: tuple[BusyQueue, ...] = ()
    #: Promises that are not kept at present, for the lead of the operation.
    lapses: tuple[LapsedPromise, ...] = ()
    #: Questions of this place that were not answered well.
    questions: QuestionListView = NO_QUESTIONS
    #: The figures of the week beside those of the week before, one sentence each.
    figures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestMoney:
    """Money of the digest, one amount for each currency."""

    #: At stake in the open cases.
    at_stake: tuple[Money, ...] = ()
    #: Moved by the plans that were carried out since the last digest.
    turnover: tuple[Money, ...] = ()
    #: At stake in the cases that expired since the last digest.
    losses: tuple[Money, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCounts:
    """Numbers of all open cases, with or without a row."""

    #: Cases that wait for a decision.
    to_decide: int = 0
    #: Cases that need a person.
    to_handle: int = 0
    #: Cases whose decision is overdue.
    late: int = 0
    #: Cases whose decision falls due before the next digest.
    due_soon: int = 0
    #: Every open case.
    total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestFigures:
    """The numbers of a digest."""

    open: OpenCounts
    money: DigestMoney
    counts: Counts
    days: tuple[TrendDay, ...]
    #: Questions that were not understood, or not answered well.
    questions: int = 0
    #: They were put since then.
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestView:
    """One screen for a channel, a person or the whole desk.

    A case is in one section only.
    """

    key: str
    place: str
    on: date
    #: Active pauses, as sentences.
    pauses: tuple[str, ...]
    #: Cases that wait for a decision.
    needs: tuple[CaseRow, ...]
    #: Cases that need a person: unrecognised, without a plan, or of unknown outcome.
    persons: tuple[CaseRow, ...]
    #: Cases that others work on, or of which another approval is missing.
    others: tuple[CaseRow, ...]
    #: Cases that are snoozed or handed over.
    later: tuple[CaseRow, ...]
    #: Cases that expired since the last digest.
    expiries: tuple[CaseRow, ...]
    #: More open cases, for the thread.
    rest: tuple[CaseRow, ...]
    figures: DigestFigures
    #: Cases that ran alone since the last digest, and are to be reviewed.
    open_reviews: tuple[CaseRow, ...] = ()
    review: Review | None = None

    @property
    def rows(self) -> tuple[CaseRow, ...]:
        """List the rows of all sections with open cases."""
        return (*self.needs, *self.persons, *self.others, *self.later)

    @property
    def more(self) -> int:
        """Count the open cases that have no row."""
        open_rows = sum(not row.case.is_terminal for row in self.rows)
        return max(0, self.figures.open.total - open_rows)

    @property
    def says_something(self) -> bool:
        """Tell whether there is anything to post."""
        has_rows = bool(self.rows or self.expiries or self.open_reviews or self.review)
        return has_rows or self.figures.counts != Counts()

    @property
    def sections(self) -> dict[str, tuple[str, ...]]:
        """List the case ids by section, for a refresh."""
        return {name: tuple(row.case.id for row in rows) for name, rows in self._rows.items()}

    @property
    def cases(self) -> list[Case]:
        """List the cases that a refresh may show in another way."""
        return [row.case for rows in self._rows.values() for row in rows]

    @property
    def _rows(self) -> dict[str, tuple[CaseRow, ...]]:
        return {
            "needs": self.needs,
            "persons": self.persons,
            "others": self.others,
            "later": self.later,
            "expiries": self.expiries,
            "open_reviews": self.open_reviews,
            "blind": self.review.blind if self.review else (),
        }


def sum_money(amounts: Iterable[Money | None]) -> tuple[Money, ...]:
    """Sum amounts by currency, the largest sum first."""
    totals: dict[str, Decimal] = {}
    for money in amounts:
        if money is not None:
            totals[money.currency] = totals.get(money.currency, Decimal(0)) + money.amount
    return money_of(totals)


def money_of(totals: Mapping[str, Decimal]) -> tuple[Money, ...]:
    """List sums by currency, the largest first and none that is zero."""
    sums = [Money(amount, currency) for currency, amount in totals.items() if amount]
    return tuple(
        sorted(
            sums,
            key=lambda money: money.amount,
            reverse=True,
        )
    )


def tally_agreements(
    groups: Iterable[EndedCases], titles: Mapping[str, str]
) -> tuple[Agreement, ...]:
    """Compare decisions with recommendations by kind, most disagreement first."""
    tallies: dict[str, Counter[AgreementType]] = {}
    for group in groups:
        if group.agreement is not None:
            tallies.setdefault(group.kind, Counter())[group.agreement] += group.cases
    agreements = [
        Agreement(
            kind=kind,
            title=titles.get(kind, kind),
            as_recommended=tally[AgreementType.AS_RECOMMENDED],
            after_edit=tally[AgreementType.AFTER_EDIT],
            otherwise=tally[AgreementType.OTHERWISE],
        )
        for kind, tally in tallies.items()
    ]
    return tuple(sorted(agreements, key=lambda agreement: agreement.rank))
