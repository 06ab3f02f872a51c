"""Whatever stands in a plan, its card has its buttons, and every press leads on.

Slack refuses a message whole when one of its limits is passed, and a card that is refused has no
buttons. The limits count what Slack stores, which is escaped.
"""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cases import commands
from bot.cases.approval import ApprovalRequirement
from bot.cases.canonical import MAX_INTEGER
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.edits import EditField, EditForm, EditPreview
from bot.cases.entries import (
    FieldChange,
    Parked,
    RejectReason,
    StepReported,
    StepState,
    Stopped,
)
from bot.cases.missing_approvals import MissingApprovals
from bot.cases.policy import RiskTier
from bot.emulator.blocks import validate, validate_view
from bot.ports.card_store import CardContext
from bot.views.labels import Labels
from handlers.cards import forms, ids
from handlers.cards.case_card import case_card, superseded_card
from handlers.cards.case_details import details_view
from handlers.cards.edit_form import edit_form, edit_preview_form
from handlers.cards.text import clean
from tests.cases.making import (
    ANA,
    CARLA,
    NOW,
    Finish,
    action,
    asker,
    proposed,
    start_step,
    verdict,
    with_fields,
)
from tests.handlers.cards.examples import apply_commands, fact
from tests.handlers.cards.markup import ATTACKS, nodes

# Long texts are of one character or a short piece, as escaping makes some far longer.
PIECES = st.sampled_from(["a", "&", "<", ">", "😀", "é", "&amp;", "word ", "x\n", "*_`~"])
LONG_TEXTS = st.builds(lambda piece, count: piece * count, PIECES, st.integers(1, 4_000))
TEXTS = st.text(max_size=80) | st.sampled_from(ATTACKS) | LONG_TEXTS
# What connectors accept as the value of a parameter.
VALUES = (
    st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS.map(lambda text: text[:500])
    | st.dates().map(str)
)
NAMES = st.from_regex(r"[a-z][a-z0-9_]{1,20}", fullmatch=True)
PARAMETERS = st.dictionaries(NAMES, VALUES, max_size=8)
GROUPS = TEXTS | st.just("people:" + "+".join(f"U{number:09}" for number in range(20)))
ACTIONS = st.lists(
    st.builds(
        action,
        summary=TEXTS,
        preview=TEXTS,
        target=TEXTS,
        parameters=PARAMETERS,
        amount=st.none() | st.integers(0, 10**12),
        reversible=st.booleans(),
    ),
    min_size=1,
    max_size=5,
)


@st.composite
def waiting_cases(draw):
    """Make a case that waits for a decision, with any texts wherever one can stand."""
    group = draw(GROUPS)
    case = proposed(
        actions=tuple(draw(ACTIONS)),
        verdict=verdict(
            tier=draw(st.sampled_from(RiskTier)),
            factors=(ApprovalRequirement(group, 1),),
            reason=draw(TEXTS),
            step_up=False,
        ),
    )
    label, value = draw(TEXTS), draw(VALUES)
    failure = fact("stock", label=draw(TEXTS), value=None, failure=draw(TEXTS))
    recommendation = replace(
        case.proposal.recommendation, reason=draw(TEXTS), editable=("quantity",)
    )
    return with_fields(
        case,
        signal=replace(case.signal, title=draw(TEXTS)),
        what=draw(TEXTS),
        why=draw(TEXTS),
        evidence=(fact("stock.on_hand", label=label, value=value), failure) * 3,
        drift_reasons=(draw(TEXTS),),
        reopening_reason=draw(TEXTS),
        recommendation=recommendation,
        changes=(FieldChange("quantity", draw(VALUES), draw(VALUES)),),
    )


def groups_of(case):
    return {factor.group: frozenset({ANA.id}) for factor in case.proposal.verdict.factors}


def decide_each_way(case, text):
    """Yield the case after each press on its card, and after what follows from it."""
    by_ana, seen = asker(ANA, groups=groups_of(case)), CardSnapshot.of(case)
    note = text.strip() or "as agreed"
    yield apply_commands(case, commands.Reject(by_ana, seen, RejectReason.OTHER, note=note))
    until = NOW.replace(hour=23)
    yield apply_commands(case, commands.Snooze(by_ana, seen, until=until, reason=text))
    hand_over = commands.HandOver(
        by=by_ana, snapshot=seen, to=CARLA.id, progress=note, remains=note
    )
    yield apply_commands(case, hand_over)
    approved = apply_commands(case, commands.Approve(by_ana, seen, note))
    yield approved
    running = apply_commands(approved, step_of(approved))
    yield running
    yield apply_commands(running, StepReported(0, StepState.FAILED, text), Stopped(text))
    yield apply_commands(running, StepReported(0, StepState.UNKNOWN, text), Parked(0, text))
    resolved = running
    for step, _ in enumerate(case.proposal.plan.actions):
        if step:
            resolved = apply_commands(resolved, step_of(approved, step))
        resolved = apply_commands(resolved, StepReported(step, StepState.LANDED, text))
    yield apply_commands(resolved, Finish("done"))


def step_of(case, step=0):
    precondition = dict(case.proposal.plan.actions[step].precondition)
    return start_step(case, step=step, precondition=precondition, groups=groups_of(case))


def views_of(case, labels, text):
    """Build every form of a card, and Details."""
    field = EditField(name="quantity", value=text, minimum=text, maximum=text)
    preview = EditPreview(before=case, after=case, contradictions=(text,))
    missing = MissingApprovals(1, (text,))
    return (
        forms.approve_form(case, labels, missing),
        forms.reject_form(case),
        forms.resolve_form(case),
        forms.settle_form(case),
        forms.undo_form(case),
        forms.snooze_form(case),
        forms.hand_over_form(case, text),
        forms.kind_form(case, [("low_stock", text)]),
        edit_form(case, EditForm(fields=(field,)), labels),
        edit_preview_form(preview, [field], labels, fingerprint="f" * 64),
        details_view(case, labels, {}, ["stock.on_hand"]),
    )


def action_ids(card):
    return {
        element["action_id"]
        for block in card
        if block["type"] == "actions"
        for element in block["elements"]
    }


@settings(max_examples=100)
@given(waiting_cases(), TEXTS)
def test_a_card_is_never_stuck(case, text):
    labels = Labels(systems={"house": text}, actions={"house.order_stock": text})
    context = CardContext(
        pause_reason=text,
        is_undoable=True,
        edited_by=text,
        handed_over_by=text,
        missing_approvals=MissingApprovals(1, (text,)),
        stale_facts=("stock.on_hand",),
        labels=labels,
    )
    card = case_card(case, context)
    assert validate(card) == []
    buttons = action_ids(card)
    assert buttons & {ids.APPROVE, ids.APPROVE_WITH_REASON}
    assert {ids.EDIT, ids.REJECT, ids.DETAILS, ids.MORE} <= buttons
    assert validate(superseded_card(case)) == []
    for view in views_of(case, labels, text):
        assert validate_view(view) == []
    for later_case in decide_each_way(case, text):
        card = case_card(later_case, context)
        assert validate(card) == [], later_case.state
        assert ids.DETAILS in action_ids(card)
        assert validate_view(details_view(later_case, labels, {})) == []


@settings(max_examples=100)
@given(waiting_cases())
def test_everything_that_an_approval_binds_is_one_press_away(case):
    """Details shows each parameter whole, but for characters that nobody can see."""
    details = details_view(case, Labels(), {})
    texts = [node["text"] for node in nodes(details) if node.get("type") == "text"]
    text = squeeze("".join(texts))
    for one_action in case.proposal.plan.actions:
        for value in one_action.parameters.values():
            if isinstance(value, str) and not value[:4].isdigit():
                assert squeeze(clean(value, 10_000, lines=10_000)) in text


def squeeze(text):
    return "".join(text.split())
