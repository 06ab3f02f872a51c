"""The promises of each kind in ``countersign memory status``, for people and for programs."""

import io
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from rich.console import Console

from bot.cli.memory_promises import (
    PromiseState,
    band_plain,
    hanging_line,
    has_promise,
    promise_bands,
    promise_lines,
    promise_table,
)
from knowledge.learning.calibration import PrecisionGuarantee
from knowledge.learning.calibration_training import TARGETS
from knowledge.learning.live_record import answer_of, live_record
from knowledge.learning.promise_words import PROMISED_PERCENTS
from tests.cases.making import NOW
from tests.store.test_precedents import decision, precedent


@dataclass
class Plan:
    """What is read of a plan model."""

    guarantees: tuple[PrecisionGuarantee, ...]


def guarantee(percent, correct, total, lower_bound):
    return PrecisionGuarantee(
        target=percent / 100, threshold=0.5, correct=correct, total=total, lower_bound=lower_bound
    )


PLAN = Plan((guarantee(95, 118, 120, 0.951), guarantee(80, 81, 95, 0.8105)))


def answers(percent, results, *, week=0):
    """Cards with this promise that people answered in one week, right or edited."""
    return [
        precedent(
            f"EX-{percent}{week}{number}.1",
            decision=replace(
                decision(), is_edited=not is_right, card_confidence=96, card_promise=percent
            ),
            ended_at=NOW + timedelta(weeks=week, minutes=number),
        )
        for number, is_right in enumerate(results)
    ]


BEFORE = answers(95, [True] * 9 + [False], week=-1)
SINCE = [*answers(95, [True, False, False, False]), *answers(80, [True] * 3)]


@pytest.fixture
def bands():
    record = live_record("low_stock", [answer_of(one, seq) for seq, one in enumerate(SINCE)])
    return promise_bands("low_stock", PLAN, record=record, latest=[*BEFORE, *SINCE])


def printed(bands, width, until_training=7):
    console = Console(file=io.StringIO(), width=width)
    console.print(promise_table(bands))
    for line in promise_lines(bands, until_training):
        console.print(hanging_line(line))
    return console.file.getvalue()


def test_what_can_be_promised_is_what_training_certifies():
    assert [percent / 100 for percent in PROMISED_PERCENTS] == sorted(TARGETS, reverse=True)


def test_every_promise_of_a_kind_has_its_past_its_answers_and_its_state(bands):
    plain = [band_plain(band) for band in bands]
    assert [(one["percent"], one["state"]) for one in plain] == [
        (95, "lapsed"),
        (90, "not given"),
        (85, "not given"),
        (80, "given"),
    ]
    first, never, _, last = plain
    assert first["past"] == {"cases": 120, "right": 118, "at_least": 0.951}
    # The lapse rests on the answers since the training; the weeks go back further.
    assert (first["given"], first["kept"], first["lapsed"]) == (4, 1, True)
    assert first["lapsed_at"] == (NOW + timedelta(minutes=3)).isoformat()
    assert [(week["right"], week["total"]) for week in first["weeks"]] == [(9, 10), (1, 4)]
    assert (never["past"], never["given"], never["weeks"], never["lapsed_at"]) == (
        None,
        0,
        [],
        None,
    )
    assert (last["given"], last["kept"], last["lapsed"]) == (3, 3, False)


@pytest.mark.parametrize("width", [80, 120])
def test_people_read_every_figure_on_narrow_terminals_too(bands, width):
    text = printed(bands, width)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    rows = [line.split("  ") for line in text.splitlines()]
    cells = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    day, week, before = f"{NOW:%-d %b}", "16 Nov: 1 of 4", "9 Nov: 9 of 10"
    assert ["95 of 100", f"lapsed {day}", "118 of 120", "95.1", "1 of 4", before] in cells
    assert [week] in cells
    assert ["90 of 100", "not given", "–", "–", "–", "–"] in cells
    words = " ".join(text.split())
    assert f"“95 of 100” lapsed on {day} 12:03 UTC, as only 1 of 4 were right" in words
    assert "by itself after 7 more decided cases, or with `countersign memory train`" in words


def test_a_training_that_is_due_comes_as_soon_as_the_desk_is_idle(bands):
    assert "by itself when the desk is idle, or with" in " ".join(printed(bands, 120, 0).split())


def test_without_a_lapse_nobody_is_told_what_brings_one_back():
    bands = promise_bands("low_stock", PLAN, record=None, latest=BEFORE)
    assert [band.state for band in bands] == [
        PromiseState.GIVEN,
        PromiseState.NOT_GIVEN,
        PromiseState.NOT_GIVEN,
        PromiseState.GIVEN,
    ]
    assert "lapsed" not in printed(bands, 120)


def test_a_kind_without_models_or_promises_takes_no_room():
    assert promise_bands("low_stock", None, record=None, latest=BEFORE) == []
    assert not has_promise(promise_bands("low_stock", Plan(()), record=None, latest=[]))
    # What was promised before the last training is still told.
    assert has_promise(promise_bands("low_stock", Plan(()), record=None, latest=BEFORE))
    (line,) = promise_lines([], 7)
    assert line.startswith("promises: none yet")
