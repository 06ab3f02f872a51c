"""Questions that were not answered well are reviewed where they were asked, and nowhere else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.cases.errors import BadRequest, NotEligible
from bot.desk.question_review import MAX_LISTED, QuestionReviews
from bot.ports.question_log import QuestionRecord
from bot.views.query import Ask, Query
from tests.fakes.directory import FakeDirectory
from tests.fakes.questions import FakeQuestionLog

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
SINCE = NOW - timedelta(days=7)
ANA = "T1/UANA"
BEN = "T1/UBEN"


def asked(text, *, place="C0STOCK", person=ANA, **changes):
    record = QuestionRecord(
        id=f"{place}:{text}",
        asked_at=NOW,
        person=person,
        text=text,
    )
    return replace(record, **changes)


@pytest.fixture
def reviews():
    def build(*records):
        return QuestionReviews(
            question_log=FakeQuestionLog(*records),
            directory=FakeDirectory(),
            describe=lambda query: f"a {query.ask}",
        )

    return build


def texts(questions):
    return [question.text for question in questions]


def test_questions_are_sorted_by_what_was_wrong_with_their_answers(reviews):
    view = reviews(
        asked("gibberish"),
        asked("anything stuck?", reading="open cases", vote="down"),
        asked("zanzibar?", reading="open cases", left_aside=("zanzibar",)),
        asked("meant", reading="open cases", vote="down", choice=Query(ask=Ask.COUNT)),
        asked("fine", reading="open cases"),
        asked("old", asked_at=SINCE - timedelta(days=1)),
    ).review("C0STOCK", SINCE)
    assert texts(view.failures) == ["anything stuck?", "gibberish"]
    assert [(question.text, question.choice) for question in view.choices] == [("meant", "a count")]
    assert [question.left_aside for question in view.partly_read] == [("zanzibar",)]
    assert not view.is_empty


def test_the_same_words_are_listed_once_the_most_frequent_first(reviews):
    records = [
        asked("rare"),
        *(asked("What's up", id=f"C0STOCK:{number}") for number in range(3)),
        asked("what's  UP", id="C0STOCK:9"),
    ]
    view = reviews(*records).review("C0STOCK", SINCE)
    assert [(question.text, question.count) for question in view.failures] == [
        ("what's  UP", 4),
        ("rare", 1),
    ]


def test_a_long_list_is_cut_and_counted(reviews):
    view = reviews(*(asked(f"question {number}") for number in range(40))).review("C0STOCK", SINCE)
    assert (len(view.failures), view.more) == (MAX_LISTED, 40 - MAX_LISTED)


def test_a_channel_has_its_own_questions_and_a_person_theirs(reviews):
    records = [
        asked("in the channel"),
        asked("in another", place="C0OPS"),
        asked("directly", place="D0ANA"),
        asked("by command", place="/exceptions:C0STOCK"),
        asked("of Ben", place="D0BEN", person=BEN),
    ]
    both = reviews(*records)
    assert texts(both.review("C0STOCK", SINCE).failures) == ["in the channel"]
    assert texts(both.review("desk/C0OPS", SINCE).failures) == ["in another"]
    assert texts(both.review(BEN, SINCE).failures) == ["of Ben"]


@pytest.mark.threat("E2")
def test_a_list_is_for_the_members_of_its_channel_or_for_its_person(reviews):
    one = reviews(asked("in the channel"), asked("directly", place="D0ANA"))
    one.directory.channels = {"C0STOCK": {"ana"}}
    since = str(int(SINCE.timestamp()))
    assert texts(one.questions("C0STOCK", since, by=ANA).failures) == ["in the channel"]
    for place in ("C0STOCK", ANA, "desk/C0STOCK"):
        with pytest.raises(NotEligible):
            one.questions(place, since, by=BEN)
    with pytest.raises(BadRequest):
        one.questions("C0STOCK", "since ever", by=ANA)
