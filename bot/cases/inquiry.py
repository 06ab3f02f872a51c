"""Inquiries: typed questions about a case, answered at most once."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.cases.canonical import Scalar
from bot.cases.evidence import Evidence

MAX_LABEL_LENGTH = 100
#: The beginning of the name of an answer that is no fact of the playbook.
ANSWER_PREFIX = "answer."
# With blanks, which no name of a system has: nobody is taken for a system by their name.
ANSWER_SOURCE = "answer by "


class AnswerType(StrEnum):
    """The form of an answer. The values stand in the ledger."""

    CHOICE = "choice"
    NUMBER = "number"
    DATE = "date"
    TEXT = "text"
    #: The address of a file.
    FILE = "file"


class Addressee(StrEnum):
    """The person or group that a question is for."""

    #: The person who raised the case.
    REQUESTER = "requester"
    #: The group that owns the playbook.
    OWNER = "owner"
    COLLEAGUE = "colleague"


@dataclass(frozen=True, slots=True, kw_only=True)
class InquiryAnswer:
    """The answer to an inquiry, and who gave it."""

    value: Scalar
    by: str
    by_name: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """A question about a case."""

    #: The version of the entry that opened it; unique within the case.
    number: int
    question: str
    answer_type: AnswerType
    #: The answers to choose from.
    options: tuple[str, ...] = ()
    #: The account that asks.
    by: str
    by_name: str
    #: The account, or the handle of the group, that may answer.
    to: str
    to_name: str
    at: datetime
    #: The fact of the playbook that the answer gives, like "stock.on_hand"; empty for none.
    fact: str = ""
    #: Tells one submitted form from another, so that each is one inquiry.
    key: str = ""
    answer: InquiryAnswer | None = None
    #: The case ended before the answer came.
    is_closed: bool = False

    @property
    def is_unanswered(self) -> bool:
        """Tell whether an answer may still come."""
        return self.answer is None and not self.is_closed

    @property
    def gives_fact(self) -> bool:
        """Tell whether a plan may rest on the answer."""
        return bool(self.fact) and self.answer is not None

    def evidence(self, name: str = "") -> tuple[Evidence, ...]:
        """Return the answer as evidence; nothing while there is none.

        ``name`` is the fact that it stands for.
        """
        if self.answer is None:
            return ()
        return (
            Evidence(
                name=name or f"{ANSWER_PREFIX}{self.number}",
                label=self.question[:MAX_LABEL_LENGTH],
                value=self.answer.value,
                source=f"{ANSWER_SOURCE}{self.answer.by_name}",
                read_at=self.answer.at,
            ),
        )


def is_answer(fact: Evidence) -> bool:
    """Tell whether a person gave this fact."""
    return fact.source.startswith(ANSWER_SOURCE)
