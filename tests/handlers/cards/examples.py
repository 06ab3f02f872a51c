"""Cases in every state and lists of them, for the card tests."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from bot.cases import commands as commands
from bot.cases.approval import ApprovalRequirement
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.entries import (
    FieldChange,
    Parked,
    PracticeObserved,
    RejectReason,
    Reopened,
    StepReported,
    StepState,
    Stopped,
)
from bot.cases.evidence import Evidence
from bot.cases.inquiry import AnswerType
from bot.cases.lifecycle import State
from bot.cases.plan import Money
from bot.cases.policy import RiskTier
from bot.cases.practice import PracticeSource
from bot.cases.recognition import KindGuess, Recognition
from bot.cases.recommendation import Alternative, Recommendation
from bot.cases.steps import finish
from bot.cases.verdict import SHADOW_RULE, Ruling
from bot.views.alert_storm import StormView
from bot.views.answers import EXAMPLES, Answer
from bot.views.app_home import (
    HomeDelegation,
    HomeFilter,
    HomePause,
    HomePreferences,
    HomeRights,
    HomeView,
)
from bot.views.digest import (
    Agreement,
    Counts,
    DigestFigures,
    DigestMoney,
    DigestView,
    OpenCounts,
    Review,
)
from bot.views.question_list import QuestionListView, ReviewedQuestion
from bot.views.rows import CaseRow
from bot.views.thread_notes import ThreadNote
from bot.views.trend import TrendDay
from tests.cases.making import (
    ANA,
    BEN,
    CARLA,
    NOW,
    OMAR,
    SEEN,
    Finish,
    approved,
    asker,
    opened,
    plan,
    proposed,
    start_step,
    verdict,
    with_fields,
    write,
)

CHANGE = FieldChange("quantity", 24, 12)
TWO_MANAGERS = (ApprovalRequirement("floor-managers", 2),)
OPS_AND_FINANCE = (ApprovalRequirement("ops-leads", 1), ApprovalRequirement("finance", 1))
OBSERVED = PracticeObserved(
    action_agrees=True,
    parameters_agree=False,
    source=PracticeSource.SYSTEM,
    detail="quantity 30, not 24",
)
RECOMMENDATION = Recommendation("a.b", "r", "b")


def apply_commands(case, *case_commands, at=NOW):
    """Decide each command in turn and return the case after the last."""
    for command in case_commands:
        case = write(case, command, at).case
    return case


# --- cases -----------------------------------------------------------------------------------


def fact(name, *, label, value, source="house", failure=None):
    return Evidence(
        name=name,
        label=label,
        value=value,
        source=source,
        read_at=NOW,
        failure=failure,
    )


def with_evidence(case):
    """Give a case facts, a stake and an editable field."""
    facts = (
        fact("stock.on_hand", label="On hand", value=4),
        fact("stock.value", label="Worth", value=1234.5),
        fact("stock.secret", label="", value="not shown"),
        fact("supplier", label="Supplier", value=None, failure="took longer than 2 s"),
    )
    return with_fields(
        case,
        recommendation=replace(case.proposal.recommendation, editable=("quantity",)),
        evidence=facts,
        what="Merlot: 4 bottles left",
        why="£312.50 of margin",
        stake=Money(Decimal(312), "GBP"),
    )


def low_risk_case():
    return with_evidence(proposed())


def medium_risk_case():
    return with_evidence(proposed(verdict=verdict(tier=RiskTier.MEDIUM)))


def high_risk_case():
    high = verdict(tier=RiskTier.HIGH, factors=OPS_AND_FINANCE)
    return with_evidence(proposed(verdict=high))


def half_approved_case():
    case = with_evidence(proposed(factors=TWO_MANAGERS))
    return apply_commands(case, commands.Approve(asker(ANA), SEEN))


def edited_case():
    edit = commands.Edit(
        by=asker(OMAR),
        snapshot=SEEN,
        plan=plan(revision=2, quantity=12),
        verdict=verdict(),
        changes=(CHANGE,),
    )
    return apply_commands(proposed(), edit)


def escalated_case():
    return apply_commands(proposed(), commands.Expire("ops-leads"), at=NOW + timedelta(hours=24))


def recurring_case():
    return with_fields(proposed(), signal_count=12345, conflict_count=2, cleared_at=NOW)


def referred_case():
    nothing_fits = Recommendation(
        action="",
        reason="",
        basis="",
        alternatives=(Alternative("house.order_stock", "needs a supplier"),),
        blocked="No plan fits",
    )
    return apply_commands(opened(), commands.Recommend(nothing_fits, None, None))


def unrecognised_case():
    guesses = (KindGuess("low_stock", "Running low", 40), KindGuess("lead_cold", "A cold lead", 20))
    recognition = Recognition(
        kind="",
        confidence=40,
        guesses=guesses,
        basis="by their words",
        model="",
    )
    return with_fields(referred_case(), recognition=recognition)


def recognised_case():
    recognition = replace(
        unrecognised_case().classification.recognition, kind="low_stock", confidence=91
    )
    return with_fields(medium_risk_case(), recognition=recognition)


def refused_case():
    refusal = verdict(ruling=Ruling.REFUSE, reason="over the limit")
    return apply_commands(opened(), commands.Recommend(RECOMMENDATION, plan(), refusal))


def shadow_case():
    """A plan that is recommended only: nothing is carried out."""
    refusal = replace(
        verdict(ruling=Ruling.REFUSE, reason="it is only recommended", factors=()), rule=SHADOW_RULE
    )
    return apply_commands(opened(), commands.Recommend(RECOMMENDATION, plan(), refusal))


def shadow_case_cleared():
    return apply_commands(shadow_case(), commands.Clear(opened().signal))


def shadow_case_observed():
    return apply_commands(shadow_case(), OBSERVED)


def shadow_case_handled():
    case = shadow_case()
    return apply_commands(case, commands.Resolve(asker(ANA), CardSnapshot.of(case), "ordered 24"))


def automatic_case_resolved(**changes):
    """Run a case alone to its end; it is reviewed, as the first are."""
    case = automatic_case()
    case = apply_commands(case, start_step(case), StepReported(0, StepState.LANDED, ""))
    end = replace(finish(case, "Order 24: done", NOW + timedelta(minutes=30)), review_one_in=1)
    return apply_commands(case, replace(end, **changes))


def automatic_case_reviewed():
    case = automatic_case_resolved()
    by = replace(asker(BEN), playbook_owners=("ops-leads",))
    return apply_commands(case, commands.ReviewWrong(by, CardSnapshot.of(case), note="too early"))


def snoozed_case():
    snooze = commands.Snooze(
        by=asker(ANA),
        snapshot=SEEN,
        until=NOW + timedelta(hours=2),
        reason="after lunch",
    )
    return apply_commands(proposed(), snooze)


def automatic_case():
    automatic = verdict(ruling=Ruling.AUTO_APPROVE, factors=())
    return apply_commands(opened(), commands.Recommend(RECOMMENDATION, plan(), automatic))


def running_case(**changes):
    case = approved(**changes)
    return apply_commands(case, start_step(case))


def resolved_case():
    return apply_commands(
        running_case(),
        StepReported(0, StepState.LANDED, "1 row changed"),
        Finish("Order 24: done"),
    )


def done_alone_case():
    """A case that the bot has worked by itself."""
    case = automatic_case()
    return apply_commands(
        case,
        start_step(case),
        StepReported(0, StepState.LANDED, "1 row changed"),
        Finish("Order 24: done"),
    )


def undoable_case():
    """Resolve a case whose plan can be undone for thirty minutes."""
    return apply_commands(
        running_case(),
        StepReported(0, StepState.LANDED, ""),
        Finish("", NOW + timedelta(minutes=30)),
    )


def half_undone_case():
    """Let one of a plan's two approvers ask for its undo."""
    case = proposed(factors=TWO_MANAGERS)
    for person in (ANA, OMAR):
        case = apply_commands(case, commands.Approve(asker(person), SEEN))
    case = apply_commands(case, start_step(case), StepReported(0, StepState.LANDED, ""))
    case = apply_commands(case, Finish("done", NOW + timedelta(minutes=30)))
    undo = commands.Undo(asker(ANA), CardSnapshot.of(case), "<!here> *wrong* table")
    return apply_commands(case, undo)


def case_resolved_by_hand():
    case = referred_case()
    return apply_commands(case, commands.Resolve(asker(ANA), CardSnapshot.of(case), "called them"))


def stopped_case():
    return apply_commands(
        running_case(),
        StepReported(0, StepState.FAILED, "no"),
        Stopped("the plan could not be carried out"),
    )


def case_in_doubt():
    return apply_commands(
        running_case(),
        StepReported(0, StepState.UNKNOWN, "no answer"),
        Parked(0, "house does not say"),
    )


def drifted_case():
    case = approved()
    return apply_commands(case, start_step(case, precondition={"on_hand": 9}))


def rejected_case():
    rejection = commands.Reject(
        by=asker(ANA),
        snapshot=SEEN,
        reason=RejectReason.WRONG_PLAN,
        note="closed on Mondays",
    )
    return apply_commands(proposed(), rejection)


def expired_case():
    at = NOW + timedelta(hours=48)
    return apply_commands(escalated_case(), commands.Expire("x"), at=at)


def cleared_case():
    return apply_commands(proposed(), commands.Clear(opened().signal))


def withdrawn_case():
    case = proposed(requester=OMAR.id)
    return apply_commands(case, commands.Retract(asker(OMAR), CardSnapshot.of(case)))


def reopened_case():
    case = running_case()
    case = apply_commands(case, StepReported(0, StepState.LANDED, ""), Finish(""))
    return apply_commands(case, Reopened("still there"))


def case_handed_over():
    hand_over = commands.HandOver(
        by=asker(BEN),
        snapshot=SEEN,
        to=CARLA.id,
        progress="counted",
        remains="the order",
    )
    return apply_commands(proposed(), hand_over)


def asking_case(**changes):
    """A case that waits, with a question to Ben."""
    values = {
        "to": BEN.id,
        "to_name": BEN.name,
        "question": "Is the delivery confirmed?",
        "answer_type": AnswerType.CHOICE,
        "options": ("Yes", "No"),
    }
    case = low_risk_case()
    question = commands.AskQuestion(asker(ANA), CardSnapshot.of(case), **{**values, **changes})
    return apply_commands(case, question)


def answered_case():
    case = asking_case()
    number = case.activity.inquiries[0].number
    return apply_commands(case, commands.GiveAnswer(by=asker(BEN), inquiry=number, text="Yes"))


CASE_EXAMPLES = {
    "open": opened,
    "proposed low": low_risk_case,
    "proposed medium": medium_risk_case,
    "proposed high": high_risk_case,
    "half approved": half_approved_case,
    "edited": edited_case,
    "escalated": escalated_case,
    "seen often and contradicted": recurring_case,
    "referred": referred_case,
    "refused by policy": refused_case,
    "recognised": recognised_case,
    "in shadow": shadow_case,
    "in shadow, cleared": shadow_case_cleared,
    "in shadow, done by hand": shadow_case_observed,
    "in shadow, handled": shadow_case_handled,
    "ran alone": automatic_case_resolved,
    "ran alone, reviewed": automatic_case_reviewed,
    "snoozed": snoozed_case,
    "approved": approved,
    "alone": automatic_case,
    "done alone": done_alone_case,
    "running": running_case,
    "resolved": resolved_case,
    "by hand": case_resolved_by_hand,
    "stopped": stopped_case,
    "parked": case_in_doubt,
    "drifted": drifted_case,
    "rejected": rejected_case,
    "expired": expired_case,
    "cleared": cleared_case,
    "withdrawn": withdrawn_case,
    "reopened": reopened_case,
    "handed over": case_handed_over,
    "asked": asking_case,
    "answered": answered_case,
}


# --- lists -----------------------------------------------------------------------------------


def permalink(channel, ts):
    if not ts:
        return ""
    return f"https://emulator.example/archives/{channel}/p{ts.replace('.', '')}"


def row(case, number=1):
    return CaseRow(
        case=replace(case, id=f"EX-{number}"),
        channel="C0STOCK",
        ts=f"{number}.000001",
        owner_name="Carla" if "/" in case.owner else "",
    )


def rows(case, numbers):
    return tuple(row(case, number) for number in numbers)


def days(*, busy=True):
    """Make the fortnight that the charts show."""
    first_date = date(2026, 11, 8)
    trend = []
    for number in range(14):
        day = TrendDay(
            on=first_date + timedelta(days=number),
            openings=number % 5,
            endings=number % 3,
            # Nobody decides on every other day, so that the line has gaps.
            hours_to_decision=float(number) if number % 2 else None,
        )
        if not busy:
            day = replace(day, openings=0, endings=0, hours_to_decision=None)
        trend.append(day)
    return tuple(trend)


AGREEMENT = Agreement(
    kind="low_stock",
    title="Running low",
    as_recommended=9,
    after_edit=2,
    otherwise=1,
)


def figures(**changes):
    base = DigestFigures(
        open=OpenCounts(to_decide=5, to_handle=2, late=3, due_soon=1, total=12),
        money=DigestMoney(
            at_stake=(Money(Decimal(12430), "GBP"), Money(Decimal(90), "EUR")),
            turnover=(Money(Decimal(3100), "GBP"),),
            losses=(Money(Decimal(400), "GBP"),),
        ),
        counts=Counts(openings=5, resolutions=3, alone=1, rejections=1, clearings=1, expiries=0),
        days=days(),
        questions=2,
        since=NOW - timedelta(days=1),
    )
    return replace(base, **changes)


def digest(case=None, **changes):
    case = case or proposed()
    decided_case = case
    if case.state is State.PROPOSED:
        rejection = commands.Reject(asker(ANA), CardSnapshot.of(case), RejectReason.WRONG_PLAN)
        decided_case = apply_commands(case, rejection)
    review = Review(
        blind=(row(unrecognised_case(), 7),),
        agreements=(AGREEMENT,),
        slow=(row(case, 8),),
        reopenings=1,
        taken_back=2,
        questions=QuestionListView(
            failures=(ReviewedQuestion(text="anything stuck?", count=3),),
            choices=(ReviewedQuestion(text="late ones", choice="overdue open cases"),),
        ),
        figures=(
            "3 of 10 were handled alone (30 %, up from 20 %).",
            "Not carried out: 2 rejected, 1 expired without a decision.",
        ),
    )
    base = DigestView(
        key="digest:C0STOCK:1",
        place="C0STOCK",
        on=date(2026, 11, 21),
        pauses=("everything is paused by Ben: wait",),
        needs=(row(case, 1), row(decided_case, 2), row(approved(), 3)),
        persons=(row(unrecognised_case(), 4), row(case_in_doubt(), 5)),
        others=(row(half_approved_case(), 6),),
        later=(row(snoozed_case(), 10), row(case_handed_over(), 11)),
        expiries=(row(expired_case(), 12),),
        rest=(row(case, 9),),
        figures=figures(),
        review=review,
    )
    return replace(base, **changes)


PAUSE = HomePause(
    description="low stock is paused by Ben: wait", scope="kind:low_stock", is_resumable=True
)
DELEGATION = HomeDelegation(
    giver="T1/UANA",
    taker="T1/UFINN",
    giver_name="Ana",
    taker_name="Finn",
    kind="low_stock",
    kind_title="Running low",
    ends_at=NOW + timedelta(days=2),
)


def home(case=None, **changes):
    case = case or proposed()
    ended_case = case
    if case.state is State.PROPOSED:
        ended_case = apply_commands(case, commands.Clear(case.signal))
    base = HomeView(
        user="UANA",
        waiting=(row(case, 1), row(case, 2)),
        waiting_more=3,
        mine=(row(case, 3),),
        team=(row(case, 4),),
        team_more=1,
        alone=(row(undoable_case(), 5), row(ended_case, 6)),
        days=days(),
        pauses=(PAUSE,),
        delegations=(DELEGATION,),
        kinds=(("low_stock", "Running low"),),
        rights=HomeRights(may_pause=True, may_delegate=True, may_raise=True),
        preferences=HomePreferences(filter=HomeFilter("low_stock")),
        suggestion="on holiday",
        at=NOW,
        figures="Last 30 days: 41 ended (35 before); 30 % handled alone (20 % before)",
    )
    return replace(base, **changes)


def storm(case=None, open_cases=38, **changes):
    case = case or proposed()
    base = StormView(
        key="storm:C0STOCK:low_stock:api:2026-11-21",
        place="C0STOCK",
        title="Running low",
        source="api",
        rows=rows(case, range(1, min(open_cases, 10) + 1)),
        open=open_cases,
        total=40,
    )
    return replace(base, **changes)


def answer(case=None, **changes):
    case = case or proposed()
    base = Answer(
        text="1 case.",
        rows=(row(case),),
        total=4,
        reading="open cases",
        examples=EXAMPLES,
    )
    return replace(base, **changes)


def note_of(case, entries, **changes):
    """Return a note about these entries."""
    fields = {"key": f"note:{case.id}:1", "channel": "C0STOCK", "thread_ts": "1.0", **changes}
    return ThreadNote(case=case, entries=entries, **fields)
