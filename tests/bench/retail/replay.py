"""Retail service calls through the desk: right ones, each delivered again, and wrong ones.

``python -m tests.bench retail``; with ``--full`` every task of the set.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

from bot.cases.case import Case
from bot.cases.entries import ApprovalGiven
from bot.cases.lifecycle import State
from bot.cases.policy import Stage
from bot.clock import monotonic
from bot.ports.outbox import LeasedMessage, Topic
from knowledge.library import FileLibrary, load
from tests.bench.desk_rig import DeskRig, open_desk_rig
from tests.bench.retail.calls import Call, Mutation, Mutator, other_calls, task_calls, with_amounts
from tests.bench.retail.shop import (
    Records,
    Rows,
    Shop,
    changed_fields,
    changed_places,
    open_shop,
    recorded_fields,
)

LIBRARY = Path(__file__).parent / "library"
SUPERVISOR, FINANCE, OWNER = "sam", "fay", "olu"
GROUPS = {"supervisors": {SUPERVISOR}, "finance": {FINANCE}, "owners": {OWNER}}
NO_PLAN = "No plan fits: "
ADDRESS_CHANGE = "modify_pending_order_address"
#: As much of a customer's words as a person reads before deciding.
MIN_WORDS = 60
MILLISECONDS = 1_000


@dataclass(kw_only=True)
class RetailReport:
    """The outcome of a replay."""

    tasks: int = 0
    #: Calls of tools that the shop does not have, which are left out.
    other_calls: int = 0
    right_calls: int = 0
    #: Right calls that changed exactly the recorded fields.
    exact: int = 0
    #: Calls that the shop itself had refused, and the desk too.
    refused_as_recorded: int = 0
    refusable: int = 0
    #: Rounds of approval: how many right calls needed so many people.
    approvals: Counter[int] = field(default_factory=Counter)
    tiers: Counter[str] = field(default_factory=Counter)
    done_alone: int = 0
    repeats: int = 0
    #: Second deliveries that changed anything.
    changed_twice: int = 0
    faults: list[str] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)
    #: By class of mutation: its outcome, and how often.
    mutations: dict[str, Counter[str]] = field(default_factory=dict)
    #: By class of mutation: the rule that refused it.
    rules: dict[str, Counter[str]] = field(default_factory=dict)
    #: Mutations that changed the shop.
    slipped: list[str] = field(default_factory=list)
    #: Asked mutations whose wrong value no card shows.
    unseen: list[str] = field(default_factory=list)
    moved: int = 0
    #: Approved calls that ran though the record had moved meanwhile.
    ran_on_moved: int = 0

    @property
    def median_milliseconds(self) -> float:
        """Return the median time of a right call, from receipt to change."""
        return median(self.milliseconds) if self.milliseconds else 0.0

    def count(self, outcome: str) -> int:
        """Count the mutations with this outcome."""
        return sum(outcomes[outcome] for outcomes in self.mutations.values())


@dataclass(kw_only=True)
class RetailReplay:
    """A shop with its desk, and what came of the calls."""

    records: Records
    shop: Shop
    rig: DeskRig
    report: RetailReport = field(default_factory=RetailReport)

    def play_task(self, calls: Sequence[Call], number: int) -> None:
        """Play the calls of a task one after the other, and put the shop back."""
        self.rig.clock.forward(hours=25)
        self.report.tasks += 1
        for step, call in enumerate(calls):
            self._play(call, f"task-{number}-{step}")
        self.shop.restore(changed_places(self.shop.pristine, self.shop.rows()))

    def _play(self, call: Call, key: str) -> None:
        before = self.shop.rows()
        call = self.stated(call)
        begin = monotonic()
        case, messages = self._approve_and_run(call, key)
        self.report.milliseconds.append((monotonic() - begin) * MILLISECONDS)
        after = self.shop.rows()
        expected = recorded_fields(call.write)
        actual = changed_fields(self.shop, before, after)
        if not call.is_right:
            self.report.refusable += 1
            is_refused = case.state is State.REFERRED and after == before
            self.report.refused_as_recorded += is_refused
            if not is_refused:
                self._fault(call, f"was refused by the shop, and is {case.state} here")
            return
        self.report.right_calls += 1
        if actual == expected and case.state is State.RESOLVED:
            self.report.exact += 1
        else:
            recommendation = case.proposal.recommendation
            reason = recommendation.blocked if recommendation else ""
            self._fault(call, f"{case.state} {reason}: {actual} instead of {expected}")
        self._repeat(call, key, messages=messages, after=after)

    def _fault(self, call: Call, text: str) -> None:
        self.report.faults.append(f"{call.name} {call.arguments}: {text}")

    def stated(self, call: Call) -> Call:
        """Add the amount that a caller states, by the records of now."""
        if not call.order_id:
            return call
        order = self.shop.order(call.order_id)
        return with_amounts(call, self.records, order)

    def _approve_and_run(self, call: Call, key: str) -> tuple[Case, list[LeasedMessage]]:
        """Send a call, let everybody approve whom policy asks, and carry it out."""
        case_id = self.rig.receive(call.signal(key))
        case = self.propose(case_id)
        if case.state is State.PROPOSED and case.proposal.verdict:
            self.report.tiers[case.proposal.verdict.tier.name.lower()] += 1
        self._approve(case_id)
        messages = self.rig.work([Topic.EXECUTE])
        case = self.rig.case(case_id)
        votes = sum(isinstance(one.body, ApprovalGiven) for one in self.rig.entries(case_id))
        self.report.approvals[votes] += 1
        self.report.done_alone += case.state is State.RESOLVED and not votes
        return case, messages

    def propose(self, case_id: str) -> Case:
        """Look at a case, and carry out what policy lets run alone."""
        self.rig.work()
        return self.rig.case(case_id)

    def _approve(self, case_id: str) -> None:
        for name in (SUPERVISOR, FINANCE):
            case = self.rig.case(case_id)
            if case.state is State.PROPOSED:
                self.rig.approve(case, name)

    def _repeat(self, call: Call, key: str, *, messages: list[LeasedMessage], after: Rows) -> None:
        """Deliver the call, its work and the same wish under another key once more."""
        self.rig.receive(call.signal(key))
        self.rig.work()
        for message in messages:
            self.rig.worker.handle(message)
        again = replace(call.signal(key), key=f"{key}-again")
        case_id = self.rig.receive(again)
        self.propose(case_id)
        self._approve(case_id)
        self.rig.work()
        self.report.repeats += 1
        changed = changed_places(after, self.shop.rows())
        if changed:
            self.report.changed_twice += 1
            self._fault(call, f"changed {changed} again")

    def play_mutation(self, mutation: Mutation, key: str) -> None:
        """Send a wrong call, and see what stops it."""
        self.rig.clock.forward(hours=1)
        case_id = self.rig.receive(mutation.call.signal(key))
        case = self.propose(case_id)
        outcomes = self.report.mutations.setdefault(mutation.name, Counter())
        if case.state is State.PROPOSED:
            outcome = "asked" if self._is_visible(case, mutation) else "asked, not visible"
            if outcome != "asked":
                self.report.unseen.append(f"{mutation.name} {mutation.values}")
        elif case.state is State.REFERRED:
            outcome = "refused"
            rules = self.report.rules.setdefault(mutation.name, Counter())
            rules[_rule(case)] += 1
        else:
            outcome = "slipped"
            self.report.slipped.append(f"{mutation.name}: {mutation.call.arguments}")
        outcomes[outcome] += 1

    def _is_visible(self, case: Case, mutation: Mutation) -> bool:
        """Tell whether an approver is shown each wrong value beside the customer's own words."""
        text = self.rig.shown_text(case)
        words = mutation.call.words[:MIN_WORDS]
        return words in text and all(value in text for value in mutation.values)

    def play_moved(self, call: Call, key: str) -> None:
        """Change the record of an approved call before it runs: it must not."""
        self.rig.clock.forward(hours=25)
        case_id = self.rig.receive(self.stated(call).signal(key))
        self.propose(case_id)
        self._approve(case_id)
        order_id = call.arguments["order_id"]
        self.shop.set_status(order_id, "processed")
        before = self.shop.rows()
        self.rig.work()
        self.report.moved += 1
        self.report.ran_on_moved += self.shop.rows() != before
        self.shop.restore([("orders", order_id)])


def _rule(case: Case) -> str:
    """Say which rule stopped a case."""
    recommendation = case.proposal.recommendation
    blocked = recommendation.blocked if recommendation else ""
    verdict = case.proposal.verdict
    if verdict:
        return f"policy: {verdict.rule}"
    _, _, reason = blocked.removeprefix(NO_PLAN).partition(" ")
    return reason or blocked


def lenient_library() -> FileLibrary:
    """Load the library with an address that can be changed back, and so is of low risk."""
    library = load(LIBRARY, stage=Stage.AUTONOMOUS)
    shop = library.systems["shop"]
    undo = "UPDATE orders SET address = :was_address WHERE order_id = :order_id"
    change = replace(shop.actions["change_address"], undo=undo)
    shop = replace(shop, actions={**shop.actions, "change_address": change})
    return replace(library, systems={"shop": shop})


@contextmanager
def open_replay(records: Records, library: FileLibrary | None = None) -> Iterator[RetailReplay]:
    """Open a shop with these records, and a desk before it."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="countersign-bench-"))
        shop = stack.enter_context(open_shop(Path(folder) / "shop.db", records))
        secrets = {"SHOP_URL": shop.url}
        rig = stack.enter_context(
            open_desk_rig(
                library or load(LIBRARY, stage=Stage.AUTONOMOUS), secrets=secrets, groups=GROUPS
            )
        )
        yield RetailReplay(records=records, shop=shop, rig=rig)


def replay_retail(
    records: Records, *, tasks: int, mutations: int, moved: int, seed: int = 14
) -> RetailReport:
    """Play so many tasks of the set, and so many mutations of their right calls.

    Zero tasks are all of them. The tasks lie evenly over the set.
    """
    all_tasks = task_calls(records)
    step = max(1, len(all_tasks) // tasks) if tasks else 1
    chosen = all_tasks[::step][: tasks or None]
    with open_replay(records) as replay:
        for number, calls in enumerate(chosen):
            replay.play_task(calls, number)
        firsts = [calls[0] for calls in chosen if calls[0].is_right]
        right = [replay.stated(call) for call in firsts]
        mutator = Mutator(records, seed)
        for number, mutation in enumerate(mutator.mutations(right, mutations)):
            replay.play_mutation(mutation, f"mutant-{number}")
        if replay.shop.rows() != replay.shop.pristine:
            replay.report.slipped.append("the records are not as they were")
        movable = [call for call in right if call.order_id]
        for number, call in enumerate(movable[:moved]):
            replay.play_moved(call, f"moved-{number}")
        replay.report.other_calls = other_calls(records)
        return replay.report


def replay_lenient(records: Records, *, mutations: int, seed: int = 14) -> RetailReport:
    """Play every change of an address, and wrong ones, where policy lets it run alone.

    It shows what a policy that is easier on people would let through.
    """
    calls = [
        call
        for task in task_calls(records)
        for call in task[:1]
        if call.name == ADDRESS_CHANGE and call.is_right
    ]
    with open_replay(records, lenient_library()) as replay:
        for number, call in enumerate(calls):
            replay.play_task([call], number)
        mutator = Mutator(records, seed)
        for number, mutation in enumerate(mutator.mutations(calls, mutations)):
            replay.play_mutation(mutation, f"mutant-{number}")
            replay.shop.restore(changed_places(replay.shop.pristine, replay.shop.rows()))
        return replay.report
