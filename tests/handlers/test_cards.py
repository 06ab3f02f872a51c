"""Every card in every state: valid Block Kit, drawn from the state alone, with no dead button and nothing live from outside."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cases import commands as m
from bot.cases.approval import ApprovalRequirement
from bot.cases.decide import decide
from bot.cases.entries import Parked, RejectReason, Reopened, StepReported, StepState, Stopped
from bot.cases.evidence import Evidence
from bot.cases.lifecycle import State
from bot.cases.plan import Money
from bot.cases.policy import RiskTier, Ruling
from bot.cases.recognition import Guess, Recognition
from bot.cases.recommendation import Alternative, Recommendation
from bot.cases.seen import OFFERED, DecisionKind, Seen
from bot.emulator.blocks import validate, validate_view
from bot.ports import CardContext
from handlers.cards import forms, ids
from handlers.cards.case_card import STEP_MARKS, case_card, notification, superseded_card
from handlers.cards.notes import LINES, note_blocks, note_text, trail_lines
from handlers.cards.text import clean, escaped, groups
from tests.cases.making import (
    ANA,
    BEN,
    CARLA,
    NOW,
    OMAR,
    SEEN,
    Finish,
    action,
    approved,
    asker,
    fold_all,
    opened,
    plan,
    proposed,
    start_step,
    verdict,
    write,
)
from tests.conftest import SHARED


def do(case, *moves, at=NOW):
    for move in moves:
        case = fold_all(case, write(case, move, at))
    return case


def evidenced(case):
    facts = (
        Evidence(name="stock.on_hand", label="On hand", value=4, source="house", read_at=NOW),
        Evidence(name="stock.value", label="Worth", value=1234.5, source="house", read_at=NOW),
        Evidence(name="stock.secret", label="", value="not shown", source="house", read_at=NOW),
        Evidence(
            name="supplier",
            label="Supplier",
            value=None,
            source="house",
            read_at=NOW,
            failure="took longer than 2 s",
        ),
    )
    editable = replace(case.recommendation, editable=("quantity",))
    return replace(
        case,
        recommendation=editable,
        evidence=facts,
        what="Merlot: 4 bottles left",
        why="£312.50 of margin",
        stake=Money(312, "GBP"),
    )


def referred():
    return do(
        opened(),
        m.Recommend(
            Recommendation(
                "",
                "",
                "",
                alternatives=(Alternative("house.order_stock", "needs a supplier"),),
                blocked="No plan fits",
            ),
            None,
            None,
        ),
    )


def running(**more):
    case = approved(**more)
    return do(case, start_step(case))


STATES = {
    "open": lambda: opened(),
    "proposed low": lambda: evidenced(proposed()),
    "proposed medium": lambda: evidenced(proposed(verdict=verdict(tier=RiskTier.MEDIUM))),
    "proposed high": lambda: evidenced(
        proposed(
            verdict=verdict(
                tier=RiskTier.HIGH,
                factors=(ApprovalRequirement("ops-leads", 1), ApprovalRequirement("finance", 1)),
            )
        )
    ),
    "half approved": lambda: do(
        evidenced(proposed(factors=(ApprovalRequirement("floor-managers", 2),))),
        m.Approve(asker(ANA), SEEN),
    ),
    "edited": lambda: do(
        proposed(),
        m.Edit(
            asker(OMAR),
            SEEN,
            plan=plan(revision=2, quantity=12),
            verdict=verdict(),
            changes=(_change(),),
        ),
    ),
    "escalated": lambda: do(proposed(), m.Expire("ops-leads"), at=NOW + timedelta(hours=24)),
    "seen often and contradicted": lambda: replace(
        proposed(), count=12345, conflicts=2, cleared_at=NOW
    ),
    "referred": referred,
    "refused by policy": lambda: do(
        opened(),
        m.Recommend(
            Recommendation("a.b", "r", "b"),
            plan(),
            verdict(ruling=Ruling.REFUSE, reason="over the limit"),
        ),
    ),
    "snoozed": lambda: do(
        proposed(), m.Snooze(asker(ANA), SEEN, until=NOW + timedelta(hours=2), reason="after lunch")
    ),
    "approved": approved,
    "alone": lambda: do(
        opened(),
        m.Recommend(
            Recommendation("a.b", "r", "b"), plan(), verdict(ruling=Ruling.ALONE, factors=())
        ),
    ),
    "running": running,
    "resolved": lambda: do(
        running(), StepReported(0, StepState.LANDED, "1 row changed"), Finish("Order 24: done")
    ),
    "by hand": lambda: do(referred(), m.Resolve(asker(ANA), Seen.of(referred()), "called them")),
    "stopped": lambda: do(
        running(),
        StepReported(0, StepState.FAILED, "no"),
        Stopped("the plan could not be carried out"),
    ),
    "parked": lambda: do(
        running(), StepReported(0, StepState.UNKNOWN, "no answer"), Parked(0, "house does not say")
    ),
    "drifted": lambda: do(approved(), start_step(approved(), precondition={"on_hand": 9})),
    "rejected": lambda: do(
        proposed(), m.Reject(asker(ANA), SEEN, RejectReason.WRONG_PLAN, "closed on Mondays")
    ),
    "expired": lambda: do(
        do(proposed(), m.Expire("ops-leads"), at=NOW + timedelta(hours=24)),
        m.Expire("x"),
        at=NOW + timedelta(hours=48),
    ),
    "cleared": lambda: do(proposed(), m.Clear(opened().signal)),
    "reopened": lambda: do(
        do(running(), StepReported(0, StepState.LANDED, ""), Finish("")), Reopened("still there")
    ),
    "handed over": lambda: do(
        proposed(),
        m.HandOver(asker(BEN), SEEN, to=CARLA.id, progress="counted", remains="the order"),
    ),
}


def _change():
    from bot.cases.entries import FieldChange

    return FieldChange("quantity", 24, 12)


@pytest.mark.parametrize("name", STATES)
def test_the_card_in_each_state(name, snapshot):
    case = STATES[name]()
    card = case_card(case)
    assert validate(card) == []
    assert {"text": notification(case), "blocks": card} == snapshot


def test_every_state_of_the_lifecycle_has_a_card_here():
    assert {make().state for make in STATES.values()} == set(State) - {State.NEW}


def test_a_paused_desk_is_seen_on_the_card():
    case = proposed()
    paused = case_card(case, CardContext(paused="everything is paused by Ben: <!channel> *wait*"))
    assert validate(paused) == []
    (line,) = [block for block in paused if block not in case_card(case)]
    assert [(part["type"], part["text"]) for part in line["elements"]] == [
        ("mrkdwn", ":double_vertical_bar: *Paused: nothing runs.*"),
        ("plain_text", "everything is paused by Ben: <!channel> *wait*"),
    ]


def test_what_can_still_be_taken_back_has_a_button_for_it_and_nothing_else_has():
    case = STATES["resolved"]()
    extra = [
        block
        for block in case_card(case, CardContext(is_undoable=True))
        if block not in case_card(case)
    ]
    assert [element["action_id"] for block in extra for element in block["elements"]] == [ids.UNDO]
    assert case_card(proposed(), CardContext(is_undoable=True)) == case_card(proposed())


def half_taken_back():
    """Done by two, and one of them wants it taken back."""
    case = proposed(factors=(ApprovalRequirement("floor-managers", 2),))
    done = do(case, *(m.Approve(asker(person), Seen.of(case)) for person in (ANA, OMAR)))
    done = do(done, start_step(done), StepReported(0, StepState.LANDED, ""))
    done = do(done, Finish("done", NOW + timedelta(minutes=30)))
    return do(done, m.Undo(asker(ANA), Seen.of(done), "<!here> *wrong* table"))


@pytest.mark.threat("B7")
def test_the_card_says_who_wants_it_taken_back_and_what_that_waits_for(snapshot):
    case = half_taken_back()
    card = case_card(case, CardContext(is_undoable=True))
    assert validate(card) == []
    assert live_parts(card) == []
    more = [block for block in card if block not in case_card(case)]
    assert more == snapshot
    assert validate_view(forms.undo_form(case)) == []
    assert "1 of them so far" in json.dumps(forms.undo_form(case))


@pytest.mark.threat("B7")
def test_the_thread_is_told_of_each_yes_to_taking_it_back_and_of_what_came_of_it():
    case = half_taken_back()
    decision = decide(case, m.Undo(replace(asker(OMAR), behalf_of=()), Seen.of(case), "late"), NOW)
    entries = decision.entries
    assert note_text(case, entries) == (
        "Omar says that it is taken back: “late”. It takes 2 people to take it back. It is being taken back."
    )
    going = fold_all(case, entries)
    kept = decide(going, m.StartUndo(step=0, groups={}, people={}), NOW).entries
    assert note_text(going, kept) == (
        "Not taken back: the approvals to take it back no longer count. What was done stands"
    )


def test_the_card_says_for_whom_somebody_decided_and_what_was_an_emergency():
    stood_in = do(
        proposed(factors=(ApprovalRequirement("ops-leads", 2),)),
        m.Approve(replace(asker(CARLA), behalf_of=(BEN,)), SEEN),
    )
    assert "Carla for Ben" in json.dumps(case_card(stood_in))
    alone = do(
        proposed(factors=(ApprovalRequirement("ops-leads", 2),)),
        m.Approve(asker(ANA), SEEN, "fire", emergency=True),
    )
    assert "ALONE in an emergency" in json.dumps(case_card(alone))


@pytest.mark.parametrize("name", STATES)
def test_no_dead_button(name):
    """A terminal case has none; every other button carries what the case is now."""
    case = STATES[name]()
    buttons = [
        element
        for block in case_card(case)
        if block["type"] == "actions"
        for element in block["elements"]
    ]
    if case.is_terminal:
        assert buttons == []
    for button in buttons:
        values = (
            [button["value"]]
            if "value" in button
            else [option["value"].rpartition(" ")[2] for option in button["options"]]
        )
        assert set(values) == {ids.token(case)}


DECISIONS = {
    ids.APPROVE: DecisionKind.APPROVE,
    ids.APPROVE_WITH_REASON: DecisionKind.APPROVE,
    ids.REJECT: DecisionKind.REJECT,
    ids.EDIT: DecisionKind.EDIT,
    ids.RESOLVE: DecisionKind.RESOLVE,
    ids.TRY_AGAIN: DecisionKind.TRY_AGAIN,
    ids.SETTLE: DecisionKind.SETTLE,
    ids.CLAIM: DecisionKind.CLAIM,
    ids.UNDO: DecisionKind.UNDO,
    ids.NAME_FIRST: DecisionKind.NAME_KIND,
    ids.NAME_SECOND: DecisionKind.NAME_KIND,
    ids.NAME_THIRD: DecisionKind.NAME_KIND,
    ids.ANOTHER_KIND: DecisionKind.NAME_KIND,
    ids.NOVEL: DecisionKind.CALL_NOVEL,
    ids.CLAIM_IT: DecisionKind.CLAIM,
    ids.HAND_OVER: DecisionKind.HAND_OVER,
    ids.SNOOZE: DecisionKind.SNOOZE,
    ids.WITHDRAW: DecisionKind.WITHDRAW,
}
ONLY_LOOKS = {ids.TRAIL, ids.PRECEDENTS}


def unrecognised():
    guesses = (Guess("low_stock", "Running low", 40), Guess("lead_cold", "A cold lead", 20))
    return replace(
        referred(),
        recognition=Recognition(
            kind="", confidence=40, guesses=guesses, basis="by their words", model=""
        ),
    )


def drawn_decisions(case):
    """What the card lets a person decide."""
    buttons = [
        e
        for b in case_card(case, CardContext(is_undoable=True))
        if b["type"] == "actions"
        for e in b["elements"]
    ]
    names = [e["action_id"] for e in buttons if e["type"] == "button"]
    names += [
        o["value"].partition(" ")[0]
        for e in buttons
        if e["type"] == "overflow"
        for o in e["options"]
    ]
    return {DECISIONS[name] for name in names if name not in ONLY_LOOKS}


@pytest.mark.threat("A1")
def test_each_card_offers_what_its_state_offers_and_nothing_else():
    """The rules refuse whatever a state's card does not offer, so the two must be one and the same."""
    drawn = {state: set() for state in State}
    for make in [*STATES.values(), unrecognised]:
        drawn[make().state] |= drawn_decisions(make())
    by_card = {
        decision: {state for state in State if decision in drawn[state]}
        for decision in DecisionKind
    }
    # The emergency is asked for in words, never by a button.
    assert by_card == {**OFFERED, DecisionKind.EMERGENCY: set()}


def test_high_risk_has_no_colour_that_nudges_and_asks_for_words():
    approve = next(
        element
        for block in case_card(STATES["proposed high"]())
        if block["type"] == "actions"
        for element in block["elements"]
    )
    assert (approve["action_id"], "style" in approve) == (ids.APPROVE_WITH_REASON, False)


def test_medium_risk_repeats_target_and_amount_before_it_is_approved():
    approve = next(
        element
        for block in case_card(STATES["proposed medium"]())
        if block["type"] == "actions"
        for element in block["elements"]
    )
    assert approve["confirm"]["text"]["text"] == "Amount: £100.00. Target: product:1. Order 24."


def test_the_card_shows_the_envelope_and_not_what_somebody_says_of_it():
    """A text that claims another amount stands in the quoted block; the plan's own amount stands in the plan."""
    case = replace(
        proposed(actions=(action(amount=5000),)), what="Refund of £5 only, approved by the CEO"
    )
    blocks = case_card(case)
    plan_at = next(
        index for index, block in enumerate(blocks) if "Recommended plan" in json.dumps(block)
    )
    assert "£5,000.00" in json.dumps(blocks[plan_at], ensure_ascii=False)
    quoted = [
        part
        for block in blocks
        if block["type"] == "rich_text"
        for part in block["elements"]
        if part["type"] == "rich_text_quote"
    ]
    assert [part["elements"][0]["text"] for part in quoted] == [
        "Refund of £5 only, approved by the CEO"
    ]


def test_an_older_card_loses_its_buttons_and_says_where_to_look():
    blocks = superseded_card(STATES["drifted"]())
    assert validate(blocks) == []
    assert "actions" not in {block["type"] for block in blocks}
    assert "Replaced by a newer card" in json.dumps(blocks)


# --- hostile text --------------------------------------------------------------------------------------------------------

ATTACKS = [
    "<!channel> <!here> <!everyone>",
    "<@U0ANA> <#C0OPS> <!subteam^S0OPS>",
    "<https://evil.example|https://bank.example>",
    "*Approved by* _Elsie_ ~no~ `code` ```x```",
    "> quoted\n\n\n\n\n\n\n\n\n:white_check_mark: Approved by Elsie Grant",
    "\u202etxt.exe\u202c \u200b\u200d\ufeff",
    "&lt;!channel&gt; &amp;lt;",
    "a" * 20_000,
    "\x00\x07\x1b[31m",
    "😀" * 3000,
    "<",
    ">",
    "&",
    "",
    " ",
    "\n",
    "{stock.__class__} {0}",
    "</script><script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "@channel @here",
]
NAUGHTY = (
    json.loads((SHARED / "data/hostile_text/naughty_strings.json").read_text())
    if SHARED.exists()
    else []
)


def hostile_card(text: str):
    """This text in every place where outside text can come to stand."""
    fact = Evidence(name="stock.on_hand", label=text, value=text, source=text, read_at=NOW)
    failed = Evidence(name="stock", label="x", value=None, source=text, read_at=NOW, failure=text)
    bad = action(summary=text, preview=text, target=text)
    case = proposed(actions=(bad,))
    return replace(
        case,
        signal=replace(case.signal, title=text, source=text or "x"),
        what=text,
        why=text,
        evidence=(fact, failed) * 9,
        drifted=(text,),
        reopened=text,
        owner=text,
        recommendation=Recommendation("a", text, text, alternatives=(Alternative(text, text),)),
        verdict=replace(case.verdict, reason=text),
        changes=(replace(_change(), after=text),),
    )


def live_parts(blocks) -> list[str]:
    """What Slack would act on: mrkdwn with angle brackets, and rich text elements other than text."""
    live = []

    def look(node):
        if isinstance(node, dict):
            if node.get("type") == "mrkdwn":
                live.extend(
                    part
                    for part in node["text"].split("<")[1:]
                    if not part.startswith(("!date^", "@T1", "@U"))
                )
            if node.get("type") in {"user", "usergroup", "channel", "broadcast", "link", "emoji"}:
                live.append(str(node))
            if node.get("type") == "plain_text":
                assert node.get("emoji") is False
            for value in node.values():
                look(value)
        elif isinstance(node, list):
            for value in node:
                look(value)

    look(blocks)
    return live


@pytest.mark.parametrize("text", ATTACKS, ids=range(len(ATTACKS)))
def test_nothing_from_outside_is_ever_markup(text):
    case = hostile_card(text)
    for blocks in (case_card(case), superseded_card(case)):
        assert validate(blocks) == []
        assert live_parts(blocks) == []
    assert "<" not in notification(case)
    for make in (
        forms.approve_form,
        forms.reject_form,
        forms.resolve_form,
        forms.settle_form,
        forms.undo_form,
        forms.snooze_form,
    ):
        assert validate_view(make(case)) == []
    assert validate_view(forms.hand_over_form(case, "ops-leads")) == []
    assert validate_view(forms.edit_form(case, ["quantity"])) == []


@pytest.mark.skipif(not NAUGHTY, reason="the shared corpus of hostile text is absent")
def test_the_whole_corpus_of_naughty_strings():
    for text in NAUGHTY:
        case = hostile_card(text)
        assert validate(case_card(case)) == []
        assert live_parts(case_card(case)) == []


@given(st.text())
def test_any_text_at_all(text):
    case = hostile_card(text)
    assert validate(case_card(case)) == []
    assert live_parts(case_card(case)) == []


@given(st.text(), st.integers(2, 50))
def test_clean_text_has_no_controls_and_keeps_its_length(text, most):
    cut = clean(text, most)
    assert len(cut) <= most
    assert not any(ord(letter) < 32 or letter in "\u202e\u200b\u200d\ufeff" for letter in cut)
    assert "<" not in escaped(text, most)


def test_layout_cannot_be_faked_with_empty_lines():
    assert clean("a\n\n\n\nb\n\n\nc", 100, lines=2) == "a\nb c"


# --- notes ---------------------------------------------------------------------------------------------------------------


def test_every_entry_that_is_noted_has_its_words():
    from bot.desk.effects import EFFECTS
    from bot.ports import Topic

    assert set(EFFECTS[Topic.NOTE]) <= set(LINES)


@pytest.mark.parametrize("text", ATTACKS, ids=range(len(ATTACKS)))
def test_notes_carry_words_and_nothing_else(text):
    case = proposed()
    entries = decide(
        case,
        m.Reject(
            asker(replace(ANA, name=text or "x")), Seen.of(case), RejectReason.OTHER, f"x{text}"
        ),
        NOW,
    ).entries
    after = fold_all(case, entries)
    blocks = note_blocks(after, entries)
    assert validate(blocks) == []
    assert live_parts(blocks) == []
    assert "<" not in note_text(after, entries)
    assert trail_lines(after, entries)


def test_people_named_one_by_one_are_mentioned_and_a_made_up_one_is_no_markup():
    assert (
        groups([ApprovalRequirement("people:U0ANA+U0BEN", 2), ApprovalRequirement("finance", 1)])
        == "two of <@U0ANA>, <@U0BEN> and one of @finance"
    )
    assert "<" not in groups([ApprovalRequirement("people:!channel", 1)])


@pytest.mark.threat("A2")
def test_every_state_of_a_step_has_words_on_the_card():
    assert set(STEP_MARKS) == set(StepState)
