"""Lives of cases, as the entries that the rules themselves write."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.cases.approval import Person
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.case import Case
from bot.cases.commands import (
    Approve,
    Claim,
    Clear,
    Edit,
    HandOver,
    Recommend,
    Recur,
    Reject,
    ReportMistake,
    Resolve,
    StartUndo,
    Undo,
)
from bot.cases.entries import Entry, FieldChange, RejectReason, StepReported, StepState, Stopped
from bot.cases.recommendation import Recommendation
from bot.cases.verdict import Ruling
from tests.cases.making import (
    ANA,
    BEN,
    CARLA,
    GROUPS,
    NOW,
    OMAR,
    Finish,
    caller,
    opening,
    plan,
    signal,
    start_step,
    verdict,
    write,
)

PEOPLE = {person.id: person for person in (ANA, BEN, CARLA, OMAR)}
RECOMMENDATION = Recommendation("house.order_stock", "because", "rule 1")
MINUTE = timedelta(minutes=1)


@dataclass
class Life:
    """One case and its entries, a minute after each other unless a time is given."""

    case: Case | None = None
    entries: list[Entry] = field(default_factory=list)
    at: datetime = NOW

    def do(self, *moves, after: timedelta = MINUTE) -> "Life":
        """Carry out moves, each so long after the one before."""
        for move in moves:
            self.at += after
            command = move(self.case) if callable(move) else move
            decision = write(self.case, command, self.at)
            self.case = decision.case
            self.entries += decision.entries
        return self

    @property
    def snapshot(self) -> CardSnapshot:
        return CardSnapshot.of(self.case)


def opened(**changes) -> Life:
    life = Life(at=NOW - MINUTE)
    return life.do(opening(**changes))


def proposed(**changes) -> Life:
    return opened(**changes).do(Recommend(RECOMMENDATION, plan(), verdict()))


def run_alone() -> Life:
    ruling = verdict(ruling=Ruling.AUTO_APPROVE, factors=())
    return opened().do(Recommend(RECOMMENDATION, plan(), ruling))


def approve(case: Case, person: Person = ANA) -> Approve:
    return Approve(caller(person), CardSnapshot.of(case))


def approved(**changes) -> Life:
    return proposed(**changes).do(approve)


def carried_out(life: Life) -> Life:
    life.do(start_step, StepReported(0, StepState.LANDED, ""))
    return life.do(Finish("done", life.at + timedelta(hours=1)))


def stopped(life: Life) -> Life:
    return life.do(start_step, StepReported(0, StepState.FAILED, "no"), Stopped("given up"))


def reject(case: Case) -> Reject:
    return Reject(caller(OMAR), CardSnapshot.of(case), RejectReason.WRONG_PLAN)


def resolve_by_hand(case: Case) -> Resolve:
    return Resolve(caller(ANA), CardSnapshot.of(case), "I did it")


def edit(case: Case) -> Edit:
    return Edit(
        caller(OMAR),
        CardSnapshot.of(case),
        plan=plan(revision=case.proposal.revision + 1, quantity=30),
        verdict=verdict(),
        changes=(FieldChange("quantity", 24, 30),),
    )


def hand_over(case: Case) -> HandOver:
    return HandOver(
        caller(ANA), CardSnapshot.of(case), to=OMAR.id, progress="called them", remains="decide"
    )


def report_mistake(case: Case) -> ReportMistake:
    return ReportMistake(caller(ANA), CardSnapshot.of(case), text="The wrong task")


def claim(case: Case) -> Claim:
    return Claim(caller(OMAR), CardSnapshot.of(case))


def recur(*, reopen: bool) -> Recur:
    return Recur(signal(key="again"), reopen=reopen)


def clear() -> Clear:
    return Clear(signal(key="gone"))


def taken_back(life: Life) -> Life:
    life.do(lambda case: Undo(caller(ANA), CardSnapshot.of(case), "wrong table"))
    undoing = StartUndo(step=0, groups=GROUPS, people=PEOPLE)
    return life.do(undoing, StepReported(0, StepState.UNDONE, ""), Stopped("taken back"))


def every_life() -> dict[str, Life]:
    """Make one life of each sort."""
    return {
        "open": proposed(),
        "accepted": carried_out(approved()),
        "edited": carried_out(proposed().do(edit, approve)),
        "alone": carried_out(run_alone()),
        "rejected": proposed().do(reject),
        "handed over": proposed().do(hand_over, reject, after=20 * MINUTE),
        "by hand": stopped(approved()).do(resolve_by_hand),
        "alone, then by hand": stopped(run_alone()).do(resolve_by_hand),
        "cleared": proposed().do(clear()),
        "reopened": carried_out(approved()).do(recur(reopen=True)),
        "cleared and back": proposed().do(clear(), recur(reopen=True)),
        "undone": taken_back(carried_out(approved())).do(resolve_by_hand),
    }
