"""Digest, App Home and answers as Block Kit: valid, plain in a notification, with buttons that stand alone and nothing live from outside."""

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot.cases import commands as m
from bot.cases.entries import RejectReason, StepReported, StepState
from bot.cases.seen import Seen
from bot.emulator.blocks import validate, validate_view
from bot.views.answers import EXAMPLES, Answer, AnswerLine
from bot.views.app_home import HomeFilter, HomeView
from bot.views.digest import Agreement, Counts, DigestView, Review
from bot.views.rows import CaseRow
from bot.views.trend import TrendDay
from handlers.cards import forms
from handlers.cards.answer_blocks import answer_blocks, answer_text
from handlers.cards.charts import charts, without_charts
from handlers.cards.digest_card import digest_card, digest_text, rest_blocks
from handlers.cards.home_view import home_view
from handlers.cards.ids import token
from tests.cases.making import ANA, NOW, Finish, approved, asker, proposed, start_step
from tests.handlers.test_cards import ATTACKS, do, hostile_card, live_parts


def to(channel, ts):
    return f"https://emulator.example/archives/{channel}/p{ts.replace('.', '')}" if ts else ""


def row(case, number=1):
    return CaseRow(replace(case, id=f"EX-{number}"), "C0STOCK", f"{number}.000001")


def days(busy=True):
    first = date(2026, 11, 8)
    return tuple(
        TrendDay(
            first + timedelta(days=n),
            n % 5 * busy,
            n % 3 * busy,
            float(n) if busy and n % 2 else None,
        )
        for n in range(14)
    )


def resolved():
    return do(
        approved(),
        start_step(approved()),
        StepReported(0, StepState.LANDED, ""),
        Finish("", NOW + timedelta(minutes=30)),
    )


def digest(case=None, **changes):
    case = case or proposed()
    rejected = (
        do(case, m.Reject(asker(ANA), Seen.of(case), RejectReason.WRONG_PLAN))
        if case.state.name == "PROPOSED"
        else case
    )
    agreement = Agreement(
        kind="low_stock", title="Running low", as_recommended=9, edited=2, otherwise=1
    )
    review = Review(
        blind=(row(case, 7),),
        agreements=(agreement,),
        slow=(row(case, 8),),
        reopened=1,
        taken_back=2,
    )
    base = DigestView(
        key="digest:C0STOCK:1",
        place="C0STOCK",
        on=date(2026, 11, 21),
        paused=("everything by Ben: wait",),
        needs=(row(case, 1), row(rejected, 2), row(approved(), 3)),
        needs_more=4,
        rest=(row(case, 9),),
        late=(row(case, 4),),
        late_more=2,
        unhandled=(row(case, 5),),
        counts=Counts(opened=5, resolved=3, alone=1, rejected=1, cleared=1, expired=0),
        days=days(),
        questions=2,
        review=review,
    )
    return replace(base, **changes)


def home(case=None, **changes):
    case = case or proposed()
    base = HomeView(
        user="UANA",
        waiting=(row(case, 1), row(case, 2)),
        waiting_more=3,
        mine=(row(case, 3),),
        team=(row(case, 4),),
        team_more=1,
        alone=(
            row(resolved(), 5),
            row(do(case, m.Clear(case.signal)) if case.state.name == "PROPOSED" else case, 6),
        ),
        days=days(),
        paused=("low stock by Ben: wait",),
        standing_in=("Finn stands in for Ana until Monday",),
        kinds=(("low_stock", "Running low"),),
        chosen=HomeFilter("low_stock"),
        suggestion="on holiday",
        at=NOW,
    )
    return replace(base, **changes)


def answer(case=None, **changes):
    case = case or proposed()
    line = AnswerLine(
        case_id="EX-1",
        title=case.signal.title,
        state=str(case.state),
        detail=case.what,
        channel="C0STOCK",
        ts="1.000001",
    )
    return replace(Answer("open cases", "1 case.", (line,), 3, examples=EXAMPLES), **changes)


def test_the_digest(snapshot):
    blocks = digest_card(digest(), to)
    assert validate(blocks) == []
    assert {"text": digest_text(digest()), "blocks": blocks} == snapshot


def test_the_home(snapshot):
    view = home_view(home(), to)
    assert validate_view(view) == []
    assert view == snapshot


def test_an_answer(snapshot):
    blocks = answer_blocks(answer(), to, "C:1")
    assert validate(blocks) == []
    assert {"text": answer_text(answer()), "blocks": blocks} == snapshot


def test_a_digest_reads_in_a_notification():
    assert digest_text(digest()) == (
        "5 to decide, 3 late. First: EX-1 Merlot is running low. "
        "Since the last one: 5 new, 3 resolved, 1 handled by itself, 1 rejected, 1 went away."
    )


def test_each_row_has_buttons_of_its_own_and_a_decided_one_has_none():
    blocks = digest_card(digest(review=None), to)
    ids = [block["block_id"] for block in blocks if block["type"] == "actions"]
    assert ids == [f"needs:{token(proposed())}"]
    text = json.dumps(blocks, ensure_ascii=False)
    assert "Rejected by Ana: The plan is wrong" in text
    assert "Approved by Ana, approved" in text


def test_only_what_can_still_be_taken_back_has_a_button_for_it():
    def undo(at):
        return [
            b["block_id"]
            for b in home_view(home(at=at), to)["blocks"]
            if b.get("block_id", "").startswith("alone")
        ]

    assert undo(NOW) == [f"alone:{token(row(resolved(), 5).case)}"]
    assert undo(NOW + timedelta(minutes=30)) == []


def test_where_charts_are_not_taken_the_numbers_are_text():
    with_charts = digest_card(digest(), to)
    plainer = without_charts(with_charts)
    assert {block["type"] for block in with_charts} - {block["type"] for block in plainer} == {
        "data_visualization"
    }
    assert validate(plainer) == []
    assert "21 Nov" in json.dumps(plainer)
    assert charts(days(busy=False)) == []


@pytest.mark.parametrize("text", ATTACKS, ids=range(len(ATTACKS)))
def test_nothing_from_outside_is_ever_markup_in_a_list(text):
    case = hostile_card(text)
    hostile_answer = answer(case, told=text, model=text, text=text, understood=text)
    lists = (
        digest_card(digest(case, paused=(text,)), to),
        rest_blocks(digest(case), to),
        home_view(home(case, paused=(text,), standing_in=(text,), suggestion=text), to)["blocks"],
        answer_blocks(hostile_answer, to, "C:1"),
    )
    for blocks in lists:
        assert validate(blocks, "home" if blocks is lists[2] else "message") == []
        ours = [part for part in live_parts(blocks) if "emulator.example" not in json.dumps(part)]
        assert ours == []
    assert "<" not in digest_text(digest(case)) + answer_text(hostile_answer)
    assert (
        validate_view(
            forms.raise_form([("low_stock", text or "-")], "low_stock", ["product_id"], "", text)
        )
        == []
    )
    assert validate_view(forms.notice(text)) == []


def test_a_home_of_the_fullest_day_fits():
    full = home(
        waiting=tuple(row(proposed(), n) for n in range(1, 13)),
        mine=tuple(row(proposed(), n) for n in range(20, 26)),
        team=tuple(row(proposed(), n) for n in range(30, 38)),
        alone=tuple(row(resolved(), n) for n in range(40, 46)),
    )
    assert validate_view(home_view(full, to)) == []
    fullest = digest(
        needs=tuple(row(proposed(), n) for n in range(1, 9)),
        late=tuple(row(proposed(), n) for n in range(10, 15)),
        unhandled=tuple(row(proposed(), n) for n in range(20, 25)),
    )
    assert validate(digest_card(fullest, to)) == []


def test_the_forms_are_valid():
    kinds = [("low_stock", "Running low")]
    assert validate_view(forms.delegate_form(kinds)) == []
    assert (
        validate_view(
            forms.raise_form(kinds, "low_stock", ["product_id"], "C1 1.0", "Merlot is out")
        )
        == []
    )
