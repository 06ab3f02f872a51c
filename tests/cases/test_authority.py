"""Who may decide what: every state, every decision, every sort of person, against a table that is written here by hand."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

import bot.cases.commands as commands_module
from bot.cases.actor import Surface
from bot.cases.approval import Approval, ApprovalRequirement, Person
from bot.cases.caller import Caller
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.case import Case
from bot.cases.commands import (
    Approve,
    AskQuestion,
    BeginApproval,
    BeginUndo,
    CallNovel,
    Claim,
    Clear,
    ConfirmPractice,
    CorrectPractice,
    DecisionKind,
    Edit,
    Expire,
    HandOver,
    NameKind,
    Nudge,
    PersonDecision,
    Recommend,
    Reject,
    ReportMistake,
    Resolve,
    Retract,
    ReviewRight,
    ReviewWrong,
    Settle,
    Snooze,
    TryAgain,
    Undo,
    WakeEarly,
    Withdraw,
)
from bot.cases.decide import decide
from bot.cases.entries import FieldChange, Parked, RejectReason, StepReported, StepState, Stopped
from bot.cases.errors import BadRequest, NotEligible, Refusal
from bot.cases.inquiry import AnswerType
from bot.cases.lifecycle import State
from bot.cases.recommendation import Recommendation
from bot.cases.review import RunReview
from bot.cases.steps import drift
from bot.cases.verdict import SHADOW_RULE, Ruling
from tests.cases.authority_page import page
from tests.cases.making import (
    HOUR,
    NOW,
    Finish,
    fold_all,
    opened,
    plan,
    recognition,
    start_step,
    verdict,
    with_fields,
    write,
)

pytestmark = pytest.mark.threat("A4")
DOCUMENTATION = Path(__file__).parent.parent.parent / "docs" / "authority.md"


def person(name: str, **facts) -> Person:
    return Person(f"T1/U{name.upper()}", name.capitalize(), **facts)


ANA, VERA, OTTO, BEN, FINN, OMAR, NINA = map(
    person, ("ana", "vera", "otto", "ben", "finn", "omar", "nina")
)
ABE, ADA, AMY, CY = map(person, ("abe", "ada", "amy", "cy"))
GUEST, STRANGER = person("gus", guest=True), person("sue", external=True)
ROBOT, LEAVER = person("bot", bot=True), person("dan", active=False)
NOBODY = (GUEST, STRANGER, ROBOT, LEAVER)
OWNING = ("ops-leads",)
GROUPS = {
    # Whoever may not act is a member of everything: that must not help.
    "floor-managers": frozenset(one.id for one in (ANA, VERA, OTTO, OMAR, *NOBODY)),
    "ops-leads": frozenset(one.id for one in (BEN, *NOBODY)),
    "night-shift": frozenset({NINA.id}),
}


def asker(one: Person, *givers: Person) -> Caller:
    return Caller(
        person=one,
        surface=Surface.SLACK,
        groups=GROUPS,
        behalf_of=givers,
        playbook_owners=OWNING,
    )


# The floor managers approve, two of them; operations own the playbook; Finn has the case; Omar raised it.
ASKERS = {
    "approver": asker(ANA),
    "approver who voted": asker(VERA),
    "playbook owner": asker(BEN),
    "present owner": asker(FINN),
    "author who approves": asker(OMAR),
    "stands in for approver": asker(ABE, ANA),
    "stands in for author": asker(ADA, OMAR),
    "stands in for owner": asker(AMY, FINN),
    "guest stands in": asker(GUEST, ANA),
    "colleague": asker(CY),
    "guest": asker(GUEST),
    "stranger": asker(STRANGER),
    "app": asker(ROBOT),
    "leaver": asker(LEAVER),
}
# "y" may, "n" may not, "t" comes too late: it is theirs, or they have said yes already.
MAY_HERE = """
                       approve withdraw reject edit snooze wake resolve retry settle undo name novel claim hand  ask nudge retract confirm correct right wrong mistake
approver                  y       n       y     y     y      y     y      y      y     y    y     y     y    y    y     n      n      y       y       n     n      y
approver who voted        t       y       y     y     y      y     y      y      y     y    y     y     y    y    y     n      n      y       y       n     n      y
playbook owner            n       n       y     y     y      y     y      y      y     n    y     y     y    y    y     n      n      y       y       y     y      y
present owner             n       n       n     n     n      n     n      n      n     n    n     n     t    y    y     n      n      n       n       n     n      y
author who approves       n       n       y     y     y      y     y      y      y     n    y     y     y    y    y     y      y      y       y       n     n      y
stands in for approver    y       n       y     y     y      y     y      y      y     y    y     y     y    y    y     n      n      y       y       n     n      y
stands in for author      n       n       y     y     y      y     y      y      y     n    y     y     y    y    y     y      y      y       y       n     n      y
stands in for owner       n       n       n     n     n      n     n      n      n     n    n     n     y    y    y     n      n      n       n       n     n      y
guest stands in           n       n       n     n     n      n     n      n      n     n    n     n     n    n    n     n      n      n       n       n     n      n
colleague                 n       n       n     n     n      n     n      n      n     n    n     n     n    n    n     n      n      n       n       n     n      n
guest                     n       n       n     n     n      n     n      n      n     n    n     n     n    n    n     n      n      n       n       n     n      n
stranger                  n       n       n     n     n      n     n      n      n     n    n     n     n    n    n     n      n      n       n       n     n      n
app                       n       n       n     n     n      n     n      n      n     n    n     n     n    n    n     n      n      n       n       n     n      n
leaver                    n       n       n     n     n      n     n      n      n     n    n     n     n    n    n     n      n      n       n       n     n      n
"""
OFFERED_HERE = {
    State.OPEN: "hand retract",
    State.PROPOSED: "approve withdraw reject edit snooze name claim hand ask nudge retract",
    State.REFERRED: "reject snooze resolve retry name novel claim hand ask nudge retract confirm correct",
    State.SNOOZED: "wake hand retract",
    State.APPROVED: "withdraw hand retract",
    State.RUNNING: "hand",
    State.OUTCOME_UNKNOWN: "settle claim hand",
    State.RESOLVED: "undo confirm correct right wrong mistake",
    State.REJECTED: "",
    State.EXPIRED: "",
    State.CLEARED: "confirm correct",
    State.WITHDRAWN: "",
}
COLUMNS, *LINES = MAY_HERE.strip("\n").splitlines()
TABLE = {
    line[:25].strip(): dict(zip(COLUMNS.split(), line[25:].split(), strict=True)) for line in LINES
}


def commands(case: Case, by: Caller) -> dict[str, PersonDecision]:
    """One well-formed command for each column of the table."""
    seen = CardSnapshot.of(case)
    edited = plan(revision=case.proposal.revision + 1, quantity=12, requester=OMAR.id)
    return {
        "approve": Approve(by, seen),
        "withdraw": Withdraw(by, seen),
        "reject": Reject(by, seen, RejectReason.WRONG_PLAN),
        "edit": Edit(
            by, seen, plan=edited, verdict=verdict(), changes=(FieldChange("quantity", 24, 12),)
        ),
        "snooze": Snooze(by, seen, until=NOW + HOUR, reason="later"),
        "wake": WakeEarly(by, seen),
        "resolve": Resolve(by, seen, "called them"),
        "retry": TryAgain(by, seen),
        "settle": Settle(by, seen, has_landed=True, note="seen there"),
        "undo": Undo(by, seen, "wrong table"),
        "mistake": ReportMistake(by, seen, "wrong table"),
        "name": NameKind(
            by,
            seen,
            kind="lead_cold",
            owner="floor-managers",
            channel="C0STOCK",
            sla=case.timers.sla,
        ),
        "novel": CallNovel(by, seen),
        "claim": Claim(by, seen),
        "hand": HandOver(by, seen, to=CY.id, progress="counted", remains="the order"),
        "ask": AskQuestion(
            by,
            seen,
            to="finance",
            to_name="@finance",
            question="Is it paid?",
            answer_type=AnswerType.TEXT,
        ),
        "nudge": Nudge(by, seen),
        "retract": Retract(by, seen),
        "confirm": ConfirmPractice(by, seen),
        "correct": CorrectPractice(by, seen, is_same_action=True, note="thirty"),
        "right": ReviewRight(by, seen),
        "wrong": ReviewWrong(by, seen, note="another table"),
    }


def do(case: Case, *moves, at=NOW) -> Case:
    for move in moves:
        case = fold_all(case, write(case, move, at))
    return case


def proposed(**more) -> Case:
    """Vera has said yes; one more is needed."""
    factors = (ApprovalRequirement("floor-managers", 2),)
    proposal = Recommend(
        Recommendation("a", "b", "c"), plan(requester=OMAR.id), verdict(factors=factors, **more)
    )
    case = do(opened(requester=OMAR.id), proposal)
    case = do(
        case,
        HandOver(
            asker(BEN), CardSnapshot.of(case), to=FINN.id, progress="counted", remains="the order"
        ),
    )
    case = do(case, Approve(asker(VERA), CardSnapshot.of(case)))
    return with_fields(case, recognition=recognition("low_stock"))


def approved() -> Case:
    case = proposed()
    return do(case, Approve(asker(OTTO), CardSnapshot.of(case)))


def running() -> Case:
    case = approved()
    people = {one.id: one for one in (VERA, OTTO)}
    return do(case, replace(start_step(case), groups=GROUPS, people=people))


def referred() -> Case:
    """Given up, and taken for nothing that is known: such a case offers the most."""
    case = do(
        running(), StepReported(0, StepState.FAILED, "no"), Stopped("it could not be carried out")
    )
    return in_shadow(with_fields(case, recognition=recognition()))


def in_shadow(case: Case) -> Case:
    """Let the plan be one that was recommended only."""
    return with_fields(case, verdict=replace(case.proposal.verdict, rule=SHADOW_RULE))


def resolved() -> Case:
    """As if it had run alone and in shadow at once: such a case offers the most."""
    case = do(running(), StepReported(0, StepState.LANDED, ""), Finish("", NOW + HOUR))
    alone = Approval(
        person=f"policy:{'p' * 64}",
        name="policy",
        digest=case.proposal.plan.plan_hash,
        at=NOW,
    )
    return in_shadow(with_fields(case, approvals=(alone,), review=RunReview(one_in=1)))


def snoozed() -> Case:
    case = proposed()
    return do(case, Snooze(asker(ANA), CardSnapshot.of(case), until=NOW + HOUR, reason="later"))


def rejected() -> Case:
    case = proposed()
    return do(case, Reject(asker(ANA), CardSnapshot.of(case), RejectReason.DUPLICATE))


def expired() -> Case:
    late = do(proposed(), Expire("ops-leads"), at=NOW + timedelta(hours=24))
    return do(late, Expire("ops-leads"), at=NOW + timedelta(hours=48))


def withdrawn() -> Case:
    case = proposed()
    return do(case, Retract(asker(OMAR), CardSnapshot.of(case)))


CASES = {
    State.OPEN: lambda: do(approved(), drift("it moved")),
    State.PROPOSED: proposed,
    State.REFERRED: referred,
    State.SNOOZED: snoozed,
    State.APPROVED: approved,
    State.RUNNING: running,
    State.OUTCOME_UNKNOWN: lambda: do(running(), Parked(0, "nobody knows")),
    State.RESOLVED: resolved,
    State.REJECTED: rejected,
    State.EXPIRED: expired,
    State.CLEARED: lambda: in_shadow(do(proposed(), Clear(opened().signal))),
    State.WITHDRAWN: withdrawn,
}


def test_the_table_has_every_state_decision_and_command():
    case = proposed()
    assert (
        {make().state for make in CASES.values()}
        == set(CASES)
        == set(OFFERED_HERE)
        == set(State) - {State.NEW}
    )
    assert set(TABLE) == set(ASKERS)
    decisions = {command.decision for command in commands(case, asker(ANA)).values()}
    # The emergency is a yes too, and is ruled with the standing of the desk.
    assert decisions == set(DecisionKind) - {DecisionKind.EMERGENCY}
    every = {
        command
        for command in vars(commands_module).values()
        if isinstance(command, type) and hasattr(command, "decision")
    }
    assert {type(command) for command in commands(case, asker(ANA)).values()} == every - {
        BeginApproval,
        BeginUndo,
        PersonDecision,
    }


@pytest.mark.parametrize("state", CASES, ids=lambda state: state.name)
@pytest.mark.parametrize("who", ASKERS)
def test_each_person_may_decide_in_each_state_what_the_table_says_and_nothing_else(state, who):
    case = CASES[state]()
    for name, command in commands(case, ASKERS[who]).items():
        expected = TABLE[who][name] if name in OFFERED_HERE[state].split() else "t"
        assert outcome(case, command) == expected, name


def outcome(case: Case, command: PersonDecision) -> str:
    """What came of it, as the table has it."""
    try:
        entries = decide(case, command, NOW).entries
    except NotEligible:
        return "n"
    except Refusal:
        return "t"
    assert str(entries[0].actor) == command.by.person.id
    return "y"


def test_a_member_of_the_group_that_has_a_case_may_claim_it_and_hand_it_on_and_decides_nothing():
    """A group that is neither approver nor owner of the playbook, as after a playbook was changed."""
    case = replace(proposed(), owner="night-shift", team="night-shift")
    may = {
        name
        for name, command in commands(case, asker(NINA)).items()
        if outcome(case, command) == "y"
    }
    assert may == {"claim", "hand", "ask"}


def test_nobody_hands_a_case_to_themself_whatever_they_are():
    for by in (asker(ANA), asker(BEN), asker(FINN), asker(ABE, ANA)):
        case = replace(proposed(), owner="floor-managers")
        case = replace(case, owner=FINN.id) if by.person is FINN else case
        with pytest.raises(BadRequest, match="choose somebody else|theirs already"):
            decide(
                case,
                HandOver(
                    by,
                    CardSnapshot.of(case),
                    to=by.person.id,
                    progress="counted",
                    remains="the order",
                ),
                NOW,
            )


def test_nobody_hands_a_case_to_whom_it_belongs():
    case = proposed()
    with pytest.raises(BadRequest, match="theirs already"):
        decide(
            case,
            HandOver(
                asker(ANA),
                CardSnapshot.of(case),
                to=FINN.id,
                progress="counted",
                remains="the order",
            ),
            NOW,
        )


def test_what_policy_ran_alone_is_taken_back_by_the_owners_of_the_playbook_and_never_by_its_author():
    alone = verdict(ruling=Ruling.AUTO_APPROVE, factors=())
    case = do(
        opened(requester=BEN.id),
        Recommend(Recommendation("a", "b", "c"), plan(requester=OMAR.id), alone),
    )
    case = do(case, replace(start_step(case, verdict=alone), people={}, groups={}))
    case = do(case, StepReported(0, StepState.LANDED, ""), Finish("", NOW + HOUR))
    assert outcome(case, Undo(asker(ANA), CardSnapshot.of(case), "wrong")) == "n"
    assert outcome(case, Undo(asker(BEN), CardSnapshot.of(case), "wrong")) == "n"
    other = replace(case, signal=replace(case.signal, requester=None))
    assert outcome(other, Undo(asker(BEN), CardSnapshot.of(other), "wrong")) == "y"


def test_whoever_was_refused_is_told_who_may():
    case = proposed()
    refusals = {}
    for name, command in commands(case, asker(CY)).items():
        try:
            decide(case, command, NOW)
        except NotEligible as refusal:
            refusals[name] = str(refusal)
        except Refusal:
            continue
    assert refusals["approve"] == "only @floor-managers may approve this"
    assert refusals["reject"] == "only @floor-managers or @ops-leads may do this"
    assert refusals["snooze"] == "only @floor-managers or @ops-leads may do this"
    assert refusals["withdraw"] == "there is no approval of yours to withdraw"


def test_whoever_may_not_say_what_a_case_is_is_told_so_in_those_words():
    case = referred()
    for name in ("name", "novel"):
        with pytest.raises(NotEligible) as refusal:
            decide(case, commands(case, asker(CY))[name], NOW)
        assert str(refusal.value) == "only @floor-managers or @ops-leads may say what this is"


def test_a_case_in_the_hands_of_a_person_waits_on_those_who_may_decide_it_too():
    for state in (State.REFERRED, State.OUTCOME_UNKNOWN):
        assert CASES[state]().waits_on == (FINN.id, "floor-managers")
    assert proposed().waits_on == ("floor-managers", FINN.id)


def test_the_page_of_the_documentation_shows_this_table():
    assert DOCUMENTATION.read_text() == page(), "run python -m tests.cases.authority_page"
