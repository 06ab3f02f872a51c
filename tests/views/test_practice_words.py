"""What people did by hand: one sentence, in the trail, in answers and at the command line."""

from datetime import UTC, datetime

import pytest

from bot.cases.entries import Entry, PracticeObserved
from bot.cases.hours import Hours
from bot.cases.practice import PracticeSource
from bot.desk.history_texts import describe_decision
from bot.views.entry_content import EntryWords
from bot.views.practice_words import practice_words
from tests.cases.making import entry_after, proposed

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SENTENCES = {
    (True, True): "what was recommended was done by hand",
    (True, False): "what was recommended was done by hand, with other details",
    (False, False): "something else was done by hand than was recommended",
}


def body(action_agrees, parameters_agree, by_name="Ana") -> PracticeObserved:
    return PracticeObserved(
        action_agrees=action_agrees,
        parameters_agree=parameters_agree,
        source=PracticeSource.PERSON if by_name else PracticeSource.SYSTEM,
        by_name=by_name,
    )


def entry_with(observed: PracticeObserved) -> Entry:
    return entry_after(proposed(), observed, at=AT)


@pytest.mark.parametrize(("agreement", "words"), SENTENCES.items())
def test_trail_and_answer_say_the_same(agreement, words):
    observed = body(*agreement)
    entry = entry_with(observed)
    content = EntryWords().content(entry, proposed())
    assert content.sentence == f"Ana said that {words}" == practice_words(observed)
    answer = describe_decision(entry, Hours(zone="Europe/London"))
    assert answer == f"Ana said on 23 Nov 09:00 that {words}."


def test_a_system_is_a_witness_too():
    assert practice_words(body(True, True, by_name="")) == (
        "The system of record showed that what was recommended was done by hand"
    )
