"""Words from outside stand only where Slack reads no markup; and what is asked to be confirmed is never cut where it counts."""

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cases import commands as m
from bot.cases.approval import ApprovalRequirement
from bot.cases.decide import decide
from bot.cases.policy import RiskTier, Ruling
from bot.cases.recognition import Guess, Recognition
from bot.cases.recommendation import Alternative, Citation, Recommendation, Words
from bot.cases.seen import Seen
from bot.emulator.blocks import validate, validate_view
from bot.ports import CardContext
from bot.views.alert_storm import StormView
from handlers.cards import forms, ids
from handlers.cards.answer_blocks import answer_blocks, answer_text
from handlers.cards.case_card import case_card, notification, row_buttons, superseded_card
from handlers.cards.copies import copy_blocks, stray_blocks, stray_text
from handlers.cards.digest_card import digest_card, digest_text, rest_blocks
from handlers.cards.home_view import home_view
from handlers.cards.notes import note_blocks, note_text, precedent_blocks
from handlers.cards.storm_card import storm_card, storm_headline
from handlers.cards.text import escaped
from tests.cases.making import ANA, BEN, NOW, action, asker, fold_all, proposed, verdict
from tests.handlers.test_cards import STATES, evidenced, hostile_card
from tests.handlers.test_lists import answer, digest, home, row, to

pytestmark = pytest.mark.threat("C7")
# Bold, italic, code, an emoji, a mention, a link and the characters of markup; and a word by which it is found again.
HOSTILE = "Zqx *b* _i_ `c` ~s~ :white_check_mark: <!channel> <@U0ANA> <https://e.example|bank> & > https://e.example"


def mrkdwn(node):
    """Every text that Slack reads as markup."""
    if isinstance(node, dict):
        own = [node["text"]] if node.get("type") == "mrkdwn" else []
        return own + [text for value in node.values() for text in mrkdwn(value)]
    return [text for value in node for text in mrkdwn(value)] if isinstance(node, list) else []


def hostile_cases():
    """A case in every state with these words wherever a person, a model or a system can put them."""
    told = HOSTILE
    for name, make in STATES.items():
        base = make()
        spoiled = hostile_card(told)
        yield (
            name,
            replace(
                base,
                signal=spoiled.signal,
                what=told,
                why=told,
                evidence=spoiled.evidence,
                drifted=(told,) if base.drifted else (),
                reopened=told if base.reopened else "",
                named_by=told,
                ending=replace(base.ending, by=told, reason=told, note=told)
                if base.ending
                else None,
                approvals=tuple(replace(one, name=told, note=told) for one in base.approvals),
                recommendation=_recommended(told) if base.recommendation else None,
                verdict=replace(base.verdict, reason=told) if base.verdict else None,
                changes=spoiled.changes,
                words=Words(what=told, why=told, suggestion=told, model=told),
                plan=replace(base.plan, actions=tuple(_spoiled(one) for one in base.plan.actions))
                if base.plan
                else None,
            ),
        )
    yield (
        "refused",
        replace(STATES["refused by policy"](), verdict=verdict(ruling=Ruling.REFUSE, reason=told)),
    )
    for confidence in (90, 10):
        kind = told if confidence == 90 else ""
        guesses = (Guess(told, told, confidence),)
        yield (
            "recognised",
            replace(
                STATES["referred"](),
                recognition=Recognition(
                    kind=kind, confidence=confidence, guesses=guesses, basis=told, model="v"
                ),
            ),
        )


def _recommended(told):
    cited = (
        Citation(
            id="EX-9",
            case_id=told,
            title=told,
            action=told,
            ended=(told,),
            reason=NOW,
            by=told,
            at=True,
            is_stale=True,
        ),
    )
    base = Recommendation(
        told,
        told,
        told,
        alternatives=(Alternative(told, told),),
        blocked=told,
        editable=cited,
        promise=told,
    )
    return replace(base, editable=("quantity",))


def _spoiled(one):
    return replace(one, summary=HOSTILE, preview=HOSTILE, target=HOSTILE)


def hostile_lists():
    case = hostile_card(HOSTILE)
    storm = StormView(
        key="k", place="C", title=HOSTILE, source=HOSTILE, rows=(row(case),), open=9, total=9
    )
    spoken = answer(case, told=HOSTILE, model=HOSTILE, text=HOSTILE, understood=HOSTILE)
    shown = digest(case, paused=(HOSTILE,))
    kept = home(
        case,
        paused=(HOSTILE,),
        standing_in=(HOSTILE,),
        suggestion=HOSTILE,
        kinds=(("low_stock", HOSTILE),),
    )
    yield "digest", digest_card(shown, to), digest_text(shown)
    yield "rest", rest_blocks(shown, to), ""
    yield "home", home_view(kept, to)["blocks"], ""
    yield "storm", storm_card(storm, to), escaped(storm_headline(storm))
    yield "answer", answer_blocks(spoken, to, "C:1"), answer_text(spoken)
    yield "copy", copy_blocks(HOSTILE, ""), ""
    yield "stray", stray_blocks("EX-1", ""), stray_text("EX-1")


def test_no_word_from_outside_is_read_as_markup_on_any_card():
    for name, case in hostile_cases():
        for blocks in (
            case_card(case, CardContext(paused=HOSTILE, is_undoable=True)),
            superseded_card(case),
        ):
            assert [text for text in mrkdwn(blocks) if "Zqx" in text] == [], name
            assert validate(blocks) == [], name
        assert not set("<>") & set(notification(case)), name


@pytest.mark.parametrize(
    ("name", "blocks", "text"), [pytest.param(*one, id=one[0]) for one in hostile_lists()]
)
def test_no_word_from_outside_is_read_as_markup_in_any_list(name, blocks, text):
    assert [line for line in mrkdwn(blocks) if "Zqx" in line] == []
    assert validate(blocks, "home" if name == "home" else "message") == []
    assert not set("<>") & set(text)


def test_no_word_from_outside_is_read_as_markup_in_a_note_or_a_form():
    person = replace(ANA, name=HOSTILE)
    case = proposed(actions=(_spoiled(action()),))
    for move in (
        m.Snooze(asker(person), Seen.of(case), until=NOW + timedelta(hours=1), reason=HOSTILE),
        m.HandOver(asker(BEN), Seen.of(case), to=ANA.id, progress=HOSTILE, remains=HOSTILE),
    ):
        entries = decide(case, move, NOW).entries
        after = fold_all(case, entries)
        assert mrkdwn(note_blocks(after, entries)) == []
        assert not set("<>") & set(note_text(after, entries))
    cited = replace(case, recommendation=_recommended(HOSTILE))
    assert mrkdwn(precedent_blocks(cited, {})) == []
    windows = (
        forms.approve_form(case),
        forms.undo_form(case),
        forms.settle_form(case),
        forms.notice(HOSTILE),
    )
    for window in windows:
        assert [text for text in mrkdwn(window) if "Zqx" in text] == []
        assert validate_view(window) == []


def test_a_group_is_named_by_its_handle_and_nothing_else():
    """An owner or approver is a group's handle; what is not one is left out of the only line that names it in markup."""
    case = replace(proposed(factors=(ApprovalRequirement(HOSTILE, 1),)), owner=HOSTILE)
    named = [text for text in mrkdwn(case_card(case)) if "Zqx" in text]
    assert len(named) == 2
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+", text.split("@")[1].split(" ")[0]) for text in named)
    assert not any(
        mark in text.partition("<!date")[0] for text in named for mark in ("<", "`", "~", ":w")
    )


# --- what is confirmed -----------------------------------------------------------------------------------------------


def approve_of(case):
    found = (
        one for block in case_card(case) if block["type"] == "actions" for one in block["elements"]
    )
    return next(one for one in found if one["action_id"] in {ids.APPROVE, ids.APPROVE_WITH_REASON})


def medium(*actions):
    return evidenced(
        proposed(
            actions=actions,
            verdict=verdict(tier=RiskTier.MEDIUM, factors=(ApprovalRequirement("ops-leads", 1),)),
        )
    )


def test_amount_and_target_come_first_and_a_long_summary_cuts_neither():
    case = medium(
        action(summary="Order " + "very old wine " * 60, amount=2400, target="product:merlot-2019")
    )
    text = approve_of(case)["confirm"]["text"]["text"]
    assert text.startswith("Amount: £2,400.00. Target: product:merlot-2019. Order very old wine")
    assert len(text) <= 300


def test_a_long_plan_is_shortened_in_its_steps_and_says_how_many_more():
    steps = [
        action(summary=f"Order {n} cases of a rather long name", amount=100, target=f"p:{n}")
        for n in range(8)
    ]
    text = approve_of(medium(*steps))["confirm"]["text"]["text"]
    assert text.startswith(
        "Amount: £800.00. Targets: p:0, p:1, p:2, p:3, p:4, p:5, p:6, p:7. Order 0 cases"
    )
    assert "and " in text
    assert text.endswith(" more.")
    assert len(text) <= 300


@pytest.mark.parametrize("target", ["product:" + "9" * 400, "😀" * 200])
def test_what_cannot_be_said_in_a_dialog_is_asked_in_the_form(target):
    """The form has room: the whole target stands there, and the amount."""
    case = medium(action(target=target, amount=2400))
    button = approve_of(case)
    assert (button["action_id"], "confirm" in button) == (ids.APPROVE_WITH_REASON, False)
    form = json.dumps(forms.approve_form(case), ensure_ascii=False)
    assert target in form
    assert "£2,400.00" in form
    assert validate_view(forms.approve_form(case)) == []
    assert [one["action_id"] for one in row_buttons(case)] == [ids.APPROVE_WITH_REASON, ids.REJECT]
