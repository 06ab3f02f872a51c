"""The scenes that bring the company into every state that is asked about."""

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.cases.actor import Surface, UserId
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.case import Case
from bot.cases.commands import Claim
from bot.cases.entries import RejectReason
from bot.cases.errors import Refusal
from bot.cases.policy import Stage as Autonomy
from bot.cases.signal import UNRECOGNISED, Signal, SignalStatus
from bot.demo.company import SampleException
from bot.demo.history import HistoryPlayer, ManualClock
from bot.demo.people import ANA, BEN, CARLA, DEV, ELSIE, FINN, OMAR, principal
from bot.desk.decision_path import Request
from bot.use_cases import Desk
from knowledge.library import load
from tests.bench.questions.company import NOW, ZONE, Scene, StageLike, drain
from tests.bench.questions.troubles import Troubles

WORK_PAUSE = timedelta(seconds=2)
FEW_MINUTES = timedelta(minutes=20)


def local(days_ago: int, clock: str) -> datetime:
    """Return a time of the clock on the wall, so many days before now."""
    day = NOW.astimezone(ZoneInfo(ZONE)).date() - timedelta(days=days_ago)
    return datetime.combine(day, time.fromisoformat(clock), ZoneInfo(ZONE))


@dataclass(kw_only=True)
class Stage(StageLike):
    """What scenes act on."""

    database: Path
    clock: ManualClock
    desk: Desk
    troubles: Troubles = field(init=False)

    def __post_init__(self) -> None:
        self.troubles = Troubles(self.database)

    def work(self) -> None:
        drain(self.desk, self.clock.at + WORK_PAUSE)

    def case(self, case_id: str) -> Case:
        return self.desk.store.cases.case(case_id)

    def request(self, case_id: str, user: str) -> Request:
        snapshot = CardSnapshot.of(self.case(case_id))
        return Request(
            case_id=self.case(case_id).id,
            by=UserId(principal(user)),
            snapshot=snapshot,
            surface=Surface.SLACK,
        )

    def detect(self, exception: SampleException) -> Signal:
        return HistoryPlayer(desk=self.desk, clock=self.clock, settle=_ignore)._detect(exception)

    def open(self, kind: str, amount: int, name: str) -> tuple[str, Signal]:
        """Make a trouble of today's clock, and have it found."""
        exception = self.troubles.make(kind, self.clock.at, amount, name)
        signal = self.detect(exception)
        receipt = self.desk.intake.receive(signal, b"")
        assert receipt.case_id, (kind, amount, name)
        self.work()
        return receipt.case_id, signal

    def receive(self, signal: Signal) -> str:
        receipt = self.desk.intake.receive(signal, b"")
        assert receipt.case_id, signal
        self.work()
        return receipt.case_id

    def approve(self, case_id: str, *, by: str = "") -> None:
        """Let everybody approve who is needed; ``by`` alone, if named."""
        for user in [by] if by else [BEN, ANA, CARLA, DEV, OMAR, ELSIE]:
            case = self.case(case_id)
            if case.state.name != "PROPOSED":
                return
            try:
                self.desk.decisions.approve(
                    self.request(case_id, user), note="agreed with the team"
                )
            except Refusal:
                if by:
                    raise

    def reject(self, case_id: str, reason: RejectReason, note: str) -> None:
        """Let the first reject who may."""
        for user in (OMAR, CARLA, DEV, BEN):
            try:
                self.desk.decisions.reject(self.request(case_id, user), reason=reason, note=note)
            except Refusal:
                continue
            return
        raise AssertionError(f"nobody may reject {case_id}")


def _ignore(exception: SampleException) -> None:
    return None


# --- what becomes of a trouble -----------------------------------------------------------------


def waiting(stage: Stage, kind: str, at: datetime, amount: int, name: str) -> Scene:
    """Nobody has decided."""
    yield at
    stage.open(kind, amount, name)


def approved(stage: Stage, kind: str, at: datetime, amount: int, name: str) -> Scene:
    """Approved and carried out."""
    yield at
    case_id, _ = stage.open(kind, amount, name)
    yield at + FEW_MINUTES
    stage.approve(case_id)


def rejected(stage: Stage, kind: str, at: datetime, amount: int, name: str) -> Scene:
    """Rejected, with a note."""
    yield at
    case_id, _ = stage.open(kind, amount, name)
    yield at + FEW_MINUTES
    reason, note = NOTES[kind]
    stage.reject(case_id, reason, note)


NOTES = {
    "booking_no_cover": (RejectReason.WRONG_FACTS, "the guest has moved to another evening"),
    "invoice_no_order": (RejectReason.ALREADY_HANDLED, "paid by card on the quay"),
    "lead_cold": (RejectReason.NOT_WORTH_IT, "they have closed their events team"),
    "low_stock": (RejectReason.WRONG_PLAN, "the merchant is shut for stocktaking"),
    "renewal_due": (RejectReason.WRONG_PLAN, "needed until the summer fair"),
    "service_note_open": (RejectReason.ALREADY_HANDLED, "the fan was replaced on Sunday"),
    "shipment_mismatch": (RejectReason.WRONG_FACTS, "the second pallet was never counted"),
    "task_no_evidence": (RejectReason.ALREADY_HANDLED, "the photo is in the office"),
}


def part_approved(stage: Stage, at: datetime) -> Scene:
    """Needs two approvals, and has the first."""
    yield at
    case_id, _ = stage.open("invoice_no_order", 7260, "Cellar Direct")
    yield at + FEW_MINUTES
    stage.approve(case_id, by=BEN)


def edited(stage: Stage, at: datetime, *, is_approved: bool) -> Scene:
    """Somebody has changed the quantity."""
    yield at
    case_id, _ = stage.open("low_stock", 420, "Sancerre")
    yield at + FEW_MINUTES
    stage.desk.decisions.edit(stage.request(case_id, BEN), values={"quantity": 36})
    yield at + 2 * FEW_MINUTES
    if is_approved:
        stage.approve(case_id)


def snoozed(stage: Stage, kind: str, at: datetime, until: datetime, by: str) -> Scene:
    """Rests until a time."""
    yield at
    name = "Kestrel Events" if kind == "lead_cold" else "Music licence"
    case_id, _ = stage.open(kind, 2900, name)
    yield at + FEW_MINUTES
    stage.desk.decisions.snooze(
        stage.request(case_id, by), until=until, reason="their buyer is back on Monday"
    )


def handed_over(stage: Stage, at: datetime) -> Scene:
    """Given to a colleague, with a word on how it stands."""
    yield at
    case_id, _ = stage.open("service_note_open", 0, "Quayside")
    yield at + FEW_MINUTES
    stage.desk.decisions.hand_over(
        stage.request(case_id, OMAR),
        to=principal(ANA),
        progress="the fitter has been called",
        remains="he comes on Friday",
    )


def claimed(stage: Stage, at: datetime) -> Scene:
    """A member of the group has taken it on."""
    yield at
    case_id, _ = stage.open("booking_no_cover", 9, "The Vine Room")
    yield at + FEW_MINUTES
    stage.desk.decisions.decide(stage.request(case_id, OMAR), Claim)


def cleared(stage: Stage, kind: str, at: datetime, name: str) -> Scene:
    """The trouble goes away by itself."""
    yield at
    _, signal = stage.open(kind, 310, name)
    yield at + FEW_MINUTES
    stage.desk.intake.receive(
        Signal(
            source=signal.source,
            key=f"{signal.key}#clear",
            kind=signal.kind,
            subject=signal.subject,
            title=signal.title,
            occurred_at=None,
            facts={},
            status=SignalStatus.CLEAR,
        ),
        b"",
    )


def taken_back(stage: Stage, at: datetime) -> Scene:
    """Approved, carried out, and undone again."""
    yield at
    case_id, _ = stage.open("low_stock", 640, "Malbec")
    yield at + FEW_MINUTES
    stage.approve(case_id)
    yield at + FEW_MINUTES + timedelta(minutes=12)
    stage.work()
    for user in (BEN, ELSIE, ANA):
        if stage.case(case_id).state.name != "RESOLVED":
            break
        try:
            stage.desk.decisions.undo(stage.request(case_id, user), note="the wrong vintage")
        except Refusal:
            continue


def drifted(stage: Stage, at: datetime) -> Scene:
    """The stock changes between the approval and the order."""
    yield at
    case_id, signal = stage.open("low_stock", 880, "Chablis")
    yield at + FEW_MINUTES
    stage.troubles.run(
        "UPDATE stock SET on_hand = on_hand + 2 WHERE product_id = :product",
        product=signal.facts["product_id"],
    )
    stage.approve(case_id)


def automatic(stage: Stage, at: datetime, name: str) -> Scene:
    """Policy lets it run, and nobody is asked."""
    yield at
    alone = _autonomous(stage)
    alone.open("task_no_evidence", 0, name)
    alone.work()
    yield at + FEW_MINUTES


def _autonomous(stage: Stage) -> Stage:
    """Return a stage on which the kind is trusted to act by itself."""
    from bot.advisors import without_memory
    from bot.desk.null_chat import NullChat
    from bot.desk.options import DeskOptions
    from bot.use_cases import build_desk
    from tests.bench.questions.company import BenchDirectory

    library = load(stage=Autonomy.AUTONOMOUS)
    desk = build_desk(
        store=stage.desk.store,
        library=library,
        systems=stage.desk.systems,
        chat=NullChat(),
        directory=BenchDirectory(),
        clock=stage.clock,
        advisors=without_memory(stage.desk.store.precedents, stage.clock),
        options=DeskOptions(storm_after=0),
    )
    return Stage(database=stage.database, clock=stage.clock, desk=desk)


def unrecognised(stage: Stage, at: datetime, key: str, title: str, amount: int) -> Scene:
    """Fits no playbook."""
    yield at
    stage.receive(_bare_signal(key, title, {"amount": amount} if amount else {}))


def recognised(stage: Stage, at: datetime) -> Scene:
    """Its source names no kind, and the bot finds it."""
    yield at
    exception = stage.troubles.make("low_stock", stage.clock.at, 510, "Barolo")
    product = int(exception.subject.partition(":")[2])
    title = "We are about to run out of Barolo before the weekend"
    stage.receive(_bare_signal("barolo", title, {"product_id": product}))


def _bare_signal(key: str, title: str, facts: dict[str, object]) -> Signal:
    return Signal(
        source="api",
        key=key,
        kind=UNRECOGNISED,
        subject=f"report:{key}",
        title=title,
        occurred_at=None,
        facts=facts,  # type: ignore[arg-type]
    )


def alert(stage: Stage, at: datetime, key: str, title: str, *, by_hand: bool = False) -> Scene:
    """The monitoring reports something."""
    yield at
    signal = Signal(
        source="alertmanager",
        key=key,
        kind="service_alert",
        subject=f"alert:{key}",
        title=title,
        occurred_at=None,
        facts={"severity": "critical", "instance": "till-3"},
    )
    case_id = stage.receive(signal)
    yield at + FEW_MINUTES
    if by_hand:
        stage.desk.decisions.resolve(
            stage.request(case_id, BEN), note="restarted the till, and it answers again"
        )


def raised(stage: Stage, at: datetime, user: str, title: str, key: str) -> Scene:
    """A person reports something."""
    yield at
    stage.desk.raising.raise_case(by=principal(user), title=title, key=key)


def approved_and_paused(stage: Stage, at: datetime) -> Scene:
    """Approved, and held by a pause."""
    yield at
    case_id, _ = stage.open("renewal_due", 540, "Waste collection")
    yield at + FEW_MINUTES
    stage.approve(case_id)


def pause(stage: Stage, at: datetime) -> Scene:
    yield at
    stage.desk.controls.pause(
        "action:house.give_notice",
        by=principal(ELSIE),
        reason="the contracts are being reviewed",
        surface=Surface.SLACK,
    )


def stand_in(stage: Stage, at: datetime) -> Scene:
    yield at
    stage.desk.controls.delegate(
        by=principal(BEN),
        to=principal(OMAR),
        kind="",
        begins_at=at,
        ends_at=NOW + timedelta(days=2),
        surface=Surface.SLACK,
    )


# --- all of them -------------------------------------------------------------------------------


def all_scenes(stage: Stage) -> list[Scene]:
    """Return every scene of the last weeks, in no order."""
    return [
        *_waiting_scenes(stage),
        *_decided_scenes(stage),
        *_special_scenes(stage),
    ]


def _waiting_scenes(stage: Stage) -> list[Scene]:
    plans = [
        # Today.
        ("low_stock", local(0, "09:10"), 1850, "Merlot Reserve"),
        ("low_stock", local(0, "08:20"), 180 + 60, "Albariño"),
        ("invoice_no_order", local(0, "08:40"), 1930, "Dockside Fish"),
        ("invoice_no_order", local(0, "09:05"), 240, "Ember Gas"),
        ("booking_no_cover", local(0, "09:20"), 6, "Quayside"),
        ("shipment_mismatch", local(0, "08:50"), 1640, "Marlow & Sons"),
        ("lead_cold", local(0, "09:30"), 11200, "Brightside Hotels"),
        ("lead_cold", local(0, "09:35"), 1450, "Marlow & Sons"),
        ("renewal_due", local(0, "08:30"), 610, "Booking platform"),
        ("service_note_open", local(0, "09:15"), 0, "The Vine Room"),
        ("task_no_evidence", local(0, "09:25"), 0, "Quayside"),
        # Overnight.
        ("booking_no_cover", local(1, "22:40"), 12, "Harbour Street"),
        ("shipment_mismatch", local(1, "23:15"), 2100, "Kestrel Events"),
        ("low_stock", local(1, "22:10"), 5400, "Picpoul"),
        ("task_no_evidence", local(1, "19:10"), 0, "Old Customs House"),
        # Yesterday by day: late by now.
        ("invoice_no_order", local(1, "08:30"), 2870, "Greenline Produce"),
        ("renewal_due", local(1, "09:10"), 480, "Card terminals"),
        ("lead_cold", local(1, "15:40"), 6350, "Kestrel Events"),
        ("service_note_open", local(1, "16:20"), 0, "Quayside"),
        ("shipment_mismatch", local(1, "17:10"), 96, "Sable Arts"),
    ]
    return [waiting(stage, *plan) for plan in plans]


def _decided_scenes(stage: Stage) -> list[Scene]:
    names = {
        "booking_no_cover": "Quayside",
        "invoice_no_order": "Cellar Direct",
        "lead_cold": "Kestrel Events",
        "low_stock": "Rioja Alta",
        "renewal_due": "Pest control",
        "service_note_open": "Quayside",
        "shipment_mismatch": "Marlow & Sons",
        "task_no_evidence": "Harbour Street",
    }
    scenes = []
    for place, (kind, name) in enumerate(names.items()):
        minutes = f"{10 + 5 * place}"
        scenes += [
            approved(stage, kind, local(1, f"11:{minutes}"), 300 + 70 * place, name),
            approved(stage, kind, local(2, f"14:{minutes}"), 90 + 40 * place, name),
            approved(stage, kind, local(9, f"15:{minutes}"), 800 + 90 * place, name),
            approved(stage, kind, local(24, f"12:{minutes}"), 60 + 330 * place, name),
            rejected(stage, kind, local(1, f"13:{minutes}"), 410 + 35 * place, name),
            rejected(stage, kind, local(8, f"10:{minutes}"), 520 + 75 * place, name),
            rejected(stage, kind, local(27, f"16:{minutes}"), 230 + 55 * place, name),
        ]
    scenes += [
        approved(stage, "low_stock", local(0, "09:12"), 360, "Crémant"),
        approved(stage, "lead_cold", local(0, "09:08"), 2750, "Northgate Caterers"),
        rejected(stage, "booking_no_cover", local(0, "08:44"), 5, "Old Customs House"),
        approved(stage, "invoice_no_order", local(2, "10:02"), 3150, "Rivet Repairs"),
        approved(stage, "service_note_open", local(5, "18:20"), 0, "Quayside"),
    ]
    return scenes


def _special_scenes(stage: Stage) -> list[Scene]:
    monday = local(-4, "09:00")
    return [
        part_approved(stage, local(0, "08:10")),
        edited(stage, local(0, "09:00"), is_approved=False),
        edited(stage, local(2, "12:05"), is_approved=True),
        snoozed(stage, "lead_cold", local(1, "10:15"), monday, DEV),
        snoozed(stage, "renewal_due", local(2, "11:35"), monday, BEN),
        # Nobody decides these: they escalate, and expire.
        waiting(stage, "low_stock", local(6, "09:40"), 700, "Pinot Noir"),
        waiting(stage, "shipment_mismatch", local(5, "09:45"), 340, "Linden Schools"),
        waiting(stage, "booking_no_cover", local(5, "11:45"), 8, "Quayside"),
        waiting(stage, "invoice_no_order", local(10, "10:45"), 260, "Coldchain Dairy"),
        waiting(stage, "low_stock", local(26, "12:45"), 290, "Merlot Reserve"),
        handed_over(stage, local(0, "08:15")),
        claimed(stage, local(0, "08:25")),
        cleared(stage, "low_stock", local(0, "08:35"), "Rioja Alta"),
        cleared(stage, "booking_no_cover", local(0, "09:02"), "Quayside"),
        cleared(stage, "shipment_mismatch", local(1, "12:25"), "Pell & Co"),
        cleared(stage, "lead_cold", local(7, "12:35"), "Sable Arts"),
        taken_back(stage, local(1, "10:20")),
        drifted(stage, local(0, "08:55")),
        automatic(stage, local(1, "12:15"), "Quayside"),
        automatic(stage, local(2, "12:55"), "The Vine Room"),
        automatic(stage, local(4, "20:15"), "Harbour Street"),
        automatic(stage, local(9, "20:45"), "Quayside"),
        automatic(stage, local(0, "08:05"), "Harbour Street"),
        recognised(stage, local(0, "08:45")),
        unrecognised(stage, local(0, "07:50"), "generator", "Odd humming near the old crane", 0),
        unrecognised(stage, local(3, "11:20"), "parcel", "A parcel for nobody here", 1200),
        unrecognised(stage, local(12, "09:50"), "mural", "The mural is peeling off the wall", 0),
        alert(stage, local(0, "06:40"), "till", "Till 3 does not answer"),
        alert(stage, local(9, "21:40"), "disk", "The disk of the booking server is full"),
        alert(stage, local(2, "09:20"), "printer", "Kitchen printer offline", by_hand=True),
        raised(stage, local(0, "09:18"), FINN, "The cellar door does not lock", "door"),
        raised(stage, local(6, "17:30"), FINN, "A crate of glasses came broken", "glasses"),
        raised(stage, local(1, "20:30"), ANA, "The lift at Quayside is stuck again", "lift"),
        pause(stage, local(0, "06:50")),
        approved_and_paused(stage, local(0, "07:05")),
        stand_in(stage, local(1, "18:30")),
    ]
