"""Limits the questions of one person, kindly."""

from collections.abc import Callable
from enum import Enum

from bot.clock import monotonic
from bot.rate_limit import RateLimit, TokenBuckets

# Nobody reads more answers than these. Who asks more is a program, or has pasted a page.
LIMIT = RateLimit(per_second=20 / 60, burst=20.0)
NOTICE_LIMIT = RateLimit(per_second=1 / 60, burst=1.0)
TOO_MANY = (
    "That is a lot of questions at once. I have noted the rest without an answer;"
    " I answer again in a minute."
)


class Admission(Enum):
    """The fate of a question."""

    ANSWER = "answer"
    #: No answer, and the person has to be told.
    NOTIFY = "notify"
    #: No answer, and the person has been told.
    IGNORE = "ignore"


class QuestionLimit:
    """Counts the questions of each person, for several threads."""

    def __init__(self, seconds: Callable[[], float] = monotonic) -> None:
        self._seconds = seconds
        self._questions = TokenBuckets()
        self._notices = TokenBuckets()

    def admit(self, person: str) -> Admission:
        """Count a question, and say what becomes of it."""
        now = self._seconds()
        if not self._questions.take(person, LIMIT, now):
            return Admission.ANSWER
        if self._notices.take(person, NOTICE_LIMIT, now):
            return Admission.IGNORE
        # A debt of one burst: the next minute passes without an answer, as the notice says.
        self._questions.borrow(person, LIMIT, now, tokens=LIMIT.burst)
        return Admission.NOTIFY
