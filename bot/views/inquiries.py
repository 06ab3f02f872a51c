"""View models of inquiries: the message, and the most frequent ones."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.cases.case import Case
from bot.cases.inquiry import Inquiry
from bot.views.rows import CaseRow

# A question that was asked once is no habit.
MIN_COUNT = 2
MAX_FREQUENT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class InquiryMessage:
    """A direct message with a question, or a thread's for a group."""

    #: The metadata under which the message is found again.
    key: str
    inquiry: Inquiry
    row: CaseRow
    #: The answer still matters.
    is_pending: bool

    @property
    def status(self) -> str:
        """Name what the message shows, so that it is not written twice."""
        if self.inquiry.answer:
            return "answered"
        return "pending" if self.is_pending else f"over:{self.row.case.state.code}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FrequentInquiry:
    """A question that people ask often about one kind."""

    kind_title: str
    question: str
    count: int


def tally_inquiries(
    cases: Iterable[Case], titles: Mapping[str, str], span: tuple[datetime, datetime]
) -> tuple[FrequentInquiry, ...]:
    """Count the questions of this time by kind, the most frequent first."""
    begin, end = span
    counts: Counter[tuple[str, str]] = Counter()
    spellings: dict[tuple[str, str], str] = {}
    for case in cases:
        for inquiry in case.activity.inquiries:
            if begin <= inquiry.at < end:
                key = (case.kind, _normalise(inquiry.question))
                counts[key] += 1
                spellings.setdefault(key, inquiry.question)
    frequent = [
        FrequentInquiry(
            kind_title=titles.get(kind, kind),
            question=spellings[kind, question],
            count=count,
        )
        for (kind, question), count in counts.most_common()
        if count >= MIN_COUNT
    ]
    return tuple(frequent[:MAX_FREQUENT])


def _normalise(question: str) -> str:
    """Make one of the spellings of a question."""
    return " ".join(question.casefold().rstrip(" ?!.").split())
