"""The digest: readable in a notification, with rows whose buttons stand alone."""

import json
from dataclasses import replace

import pytest

from bot.emulator.blocks import validate
from bot.views.digest import OpenCounts
from bot.views.inquiries import FrequentInquiry
from bot.views.promises import LapsedPromise
from handlers.cards.charts import CHART_TYPE
from handlers.cards.digest_card import digest_card, digest_text, rest_blocks
from handlers.cards.ids import token
from tests.cases.making import proposed
from tests.handlers.cards.examples import (
    AGREEMENT,
    days,
    digest,
    figures,
    permalink,
    rows,
    unrecognised_case,
)
from tests.handlers.cards.markup import visible_text

FREQUENT = FrequentInquiry(kind_title="Running low", question="Is the delivery confirmed?", count=6)


def test_the_digest(snapshot):
    blocks = digest_card(digest(), permalink)
    assert validate(blocks) == []
    assert {"text": digest_text(digest()), "blocks": blocks} == snapshot


def test_a_digest_reads_in_a_notification():
    assert digest_text(digest()) == (
        "5 to decide, 2 need a person, 3 late, 1 due before the next digest."
        " First: EX-1 Merlot is running low. £12,430.00 and €90.00 at stake in open cases,"
        " £3,100.00 moved, £400.00 lost to expiry."
    )


def test_a_digest_never_says_that_there_is_nothing_to_do_while_a_case_needs_a_person():
    only_person = digest(needs=(), figures=figures(open=OpenCounts(to_handle=1, total=1)))
    assert digest_text(only_person).startswith("1 needs a person. First: EX-4")
    nothing = digest(needs=(), persons=(), figures=figures(open=OpenCounts()))
    assert digest_text(nothing).startswith("Nothing to decide.")


def test_each_row_has_buttons_of_its_own_and_a_decided_one_has_none():
    blocks = digest_card(digest(review=None), permalink)
    block_ids = [block["block_id"] for block in blocks if block["type"] == "actions"]
    names = [block_id.partition(":")[0] for block_id in block_ids]
    # Of the three that needed a decision one is rejected.
    assert names == ["needs"] * 2 + ["persons"] * 2 + ["others"] + ["later"] * 2 + ["digest"]
    assert block_ids[0] == f"needs:{token(proposed())}"
    text = json.dumps(blocks, ensure_ascii=False)
    assert "Rejected by Ana: The plan is wrong" in text
    assert "Approved by Ana, begins soon" in text


def test_a_digest_has_no_commands_for_a_shell():
    assert "`" not in json.dumps(digest_card(digest(), permalink))


def test_a_trend_is_shown_when_it_says_something():
    def has_chart(days):
        blocks = digest_card(digest(figures=figures(days=days), review=None), permalink)
        return any(block["type"] == CHART_TYPE for block in blocks)

    quiet = days(busy=False)
    assert has_chart(days())
    assert not has_chart((*quiet[:-1], replace(quiet[-1], openings=9)))


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ((4, 0, 0), "always; 4 approved as recommended"),
        ((1, 0, 0), "the one case was approved as recommended"),
        ((0, 1, 0), "the one case was approved after an edit"),
        ((0, 0, 1), "the one case was rejected or handled another way"),
        ((9, 2, 1), "mostly; 9 of 12 approved as recommended, 2 after an edit, 1 rejected or"),
        ((1, 0, 1), "about half of the time; 1 of 2 approved as recommended"),
        ((0, 0, 3), "never; 0 of 3 approved as recommended, 3 rejected or handled another way"),
    ],
)
def test_agreement_is_told_in_words(numbers, words):
    as_recommended, after_edit, otherwise = numbers
    agreement = replace(
        AGREEMENT, as_recommended=as_recommended, after_edit=after_edit, otherwise=otherwise
    )
    review = replace(digest().review, agreements=(agreement,))
    text = json.dumps(digest_card(digest(review=review), permalink))
    assert words in text
    assert "Rework:" in text


def test_the_review_names_the_questions_worth_a_look_up():
    review = replace(digest().review, inquiries=(FREQUENT,))
    text = json.dumps(digest_card(digest(review=review), permalink), ensure_ascii=False)
    assert "Asked most often: worth a look-up in the playbook" in text
    assert "“Is the delivery confirmed?”" in text
    assert " 6 times for Running low" in text


def test_a_digest_of_the_fullest_day_fits():
    case = proposed()
    fullest = digest(
        needs=rows(case, range(1, 6)),
        persons=rows(unrecognised_case(), range(10, 14)),
        others=rows(case, range(20, 22)),
        later=rows(case, range(30, 32)),
        pauses=("everything by Ben: wait",) * 9,
        review=replace(
            digest().review,
            blind=rows(unrecognised_case(), range(40, 42)),
            inquiries=(FREQUENT,) * 3,
        ),
    )
    assert validate(digest_card(fullest, permalink)) == []
    assert validate(rest_blocks(digest(rest=rows(case, range(1, 21))), permalink)) == []


def test_promises_that_are_not_kept_are_listed_under_their_kind():
    lapse = LapsedPromise("Running low", "Of 17 that people answered 11 were.")
    blocks = digest_card(
        digest(review=replace(digest().review, lapses=(lapse,))),
        permalink,
    )
    assert validate(blocks) == []
    text = visible_text(blocks)
    assert "Promises that are not kept" in text
    assert "Running low: \nOf 17 that people answered 11 were." in text
    assert "Promises that are not kept" not in visible_text(digest_card(digest(), permalink))
