"""Review the questions that were not answered well, each place its own.

The questions of a channel were posted there, and its members have read them. What a person asks in
direct messages is listed to that person alone.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bot.cases.errors import BadRequest, NotEligible
from bot.desk.digest_period import is_of_person, working_place
from bot.ports.directory import Directory
from bot.ports.question_log import QuestionLog, QuestionRecord
from bot.views.query import Query
from bot.views.question_list import QuestionListView, ReviewedQuestion

#: Returns a query in words.
DescribeQuery = Callable[[Query], str]


def describe_nothing(query: Query) -> str:
    """Leave the reading out, where nothing can put it into words."""
    return ""


# Of each sort; more is not read in a window or a digest.
MAX_LISTED = 12
# The log is read back so far and no further.
MAX_RECORDS = 1_000
# Later times than these digits can say are none of ours.
_SECONDS = re.compile(r"[0-9]{1,10}")
NO_DATE = "this button does not say since when; open the digest again"
NOT_A_MEMBER = "only members of a channel may review the questions that were asked there"


@dataclass(frozen=True, kw_only=True)
class QuestionReviews:
    """List questions by what was wrong with their answers."""

    question_log: QuestionLog
    directory: Directory
    describe: DescribeQuery = describe_nothing

    def questions(self, place: str, since: str, *, by: str) -> QuestionListView:
        """List the questions of a digest's place, for one of its readers.

        ``since`` is in seconds since 1970.

        Raises:
            NotEligible: the person reads no digest of this place.
        """
        if not _SECONDS.fullmatch(since):
            raise BadRequest(NO_DATE)
        self._require_reader(place, by)
        return self.review(place, datetime.fromtimestamp(int(since), UTC))

    def review(self, place: str, since: datetime, *, limit: int = MAX_LISTED) -> QuestionListView:
        """List the questions of a place since then."""
        records = self._records(place, since)
        failures = [record for record in records if is_unanswered(record)]
        choices = [record for record in records if record.choice is not None]
        partly_read = []
        for record in records:
            if record.left_aside and record.choice is None and not is_unanswered(record):
                partly_read.append(record)
        sorts = (
            self._collapse(_without_choice(failures)),
            self._collapse(choices),
            self._collapse(partly_read),
        )
        return QuestionListView(
            failures=sorts[0][:limit],
            choices=sorts[1][:limit],
            partly_read=sorts[2][:limit],
            more=sum(max(0, len(questions) - limit) for questions in sorts),
        )

    def _require_reader(self, place: str, person: str) -> None:
        if is_of_person(place):
            is_reader = place == person
        else:
            is_reader = person in self.directory.members_of(working_place(place))
        if not is_reader:
            raise NotEligible(NOT_A_MEMBER)

    def _records(self, place: str, since: datetime) -> list[QuestionRecord]:
        records = self.question_log.questions(since, only_unanswered=False, limit=MAX_RECORDS)
        return [record for record in records if belongs_to(record, place)]

    def _collapse(self, records: Sequence[QuestionRecord]) -> tuple[ReviewedQuestion, ...]:
        """List each text once, the most frequent first."""
        counts = Counter(_key(record) for record in records)
        questions: dict[str, ReviewedQuestion] = {}
        for record in records:
            if _key(record) not in questions:
                questions[_key(record)] = self._question(record)
        keys = sorted(questions, key=counts.__getitem__, reverse=True)
        return tuple(replace(questions[key], count=counts[key]) for key in keys)

    def _question(self, record: QuestionRecord) -> ReviewedQuestion:
        return ReviewedQuestion(
            text=record.text,
            choice=self.describe(record.choice) if record.choice is not None else "",
            left_aside=record.left_aside,
        )


def belongs_to(record: QuestionRecord, place: str) -> bool:
    """Tell whether a question may be listed in the digest of this place."""
    if is_of_person(place):
        return record.person == place
    # The id of a posted question begins with its channel.
    return record.id.startswith(f"{working_place(place)}:")


def is_unanswered(record: QuestionRecord) -> bool:
    """Tell whether a question was not understood, or its answer did not help."""
    return not record.reading or record.vote == "down"


def _without_choice(records: Iterable[QuestionRecord]) -> list[QuestionRecord]:
    return [record for record in records if record.choice is None]


def _key(record: QuestionRecord) -> str:
    return " ".join(record.text.casefold().split())
