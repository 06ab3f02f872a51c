"""Real approval logs through the desk: each payment with a live approval goes, and no other does.

``python -m tests.bench approvals-replay``; with ``--full`` every log of the set.
"""

import contextlib
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

from bot.cases.approval import ApprovalRequirement
from bot.cases.commands import Retract, Withdraw
from bot.cases.entries import RejectReason
from bot.cases.errors import Refusal
from bot.cases.lifecycle import State
from bot.cases.playbook import Playbook
from bot.cases.signal import Signal
from bot.clock import monotonic
from bot.ports.outbox import Topic
from knowledge.library import FileLibrary, load
from tests.bench.approvals.logs import GROUPS, Act, Log, LogEvent, LogMutator
from tests.bench.desk_rig import DeskRig, open_desk_rig
from tests.fakes.directory import principal

LIBRARY = Path(__file__).parent / "library"
KIND = "payment_request"
EMPLOYEE = "eve"
PEOPLE = {**{group: {group.partition("-")[0]} for group in GROUPS.values()}, "staff": {EMPLOYEE}}
MILLISECONDS = 1_000


@dataclass(kw_only=True)
class ApprovalsReport:
    """The outcome of a replay."""

    logs: int = 0
    #: Logs that are paid by the log alone, and by the desk.
    payable: int = 0
    paid: int = 0
    #: Logs that are not to be paid, and were not.
    unpayable: int = 0
    unpaid: int = 0
    events: int = 0
    #: By class: mutants, and those that came out as the reference says.
    mutants: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    paid_twice: int = 0
    #: Presses of a log that the desk refused.
    refusals: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)

    @property
    def median_milliseconds(self) -> float:
        """Return the median time of a log, with all its presses."""
        return median(self.milliseconds) if self.milliseconds else 0.0


@dataclass(kw_only=True)
class ApprovalsReplay:
    """A bank with a desk before it, and what came of the logs."""

    bank: sqlite3.Connection
    rig: DeskRig
    report: ApprovalsReport = field(default_factory=ApprovalsReport)

    def play_log(self, log: Log) -> None:
        """Play a log as it happened."""
        begin = monotonic()
        payments = self.play(log, log.name)
        self.report.milliseconds.append((monotonic() - begin) * MILLISECONDS)
        self.report.logs += 1
        self.report.events += len(log.events)
        if log.payments:
            self.report.payable += 1
            self.report.paid += payments == 1
        else:
            self.report.unpayable += 1
            self.report.unpaid += payments == 0
        self.report.paid_twice += payments > 1
        if payments != log.payments:
            self._fault("as it happened", log, payments)

    def play_mutant(self, log: Log, rule: str) -> None:
        """Play a log that must not be paid, or not twice."""
        payments = self.play(log, f"{log.name} {rule}")
        self.report.mutants[rule] += 1
        self.report.held[rule] += payments == log.payments
        self.report.paid_twice += payments > 1
        if payments != log.payments:
            self._fault(rule, log, payments)

    def _fault(self, rule: str, log: Log, payments: int) -> None:
        acts = [f"{event.act} {event.group}".strip() for event in log.events]
        text = f"{rule}: {log.name} paid {payments} times instead of {log.payments}: {acts}"
        self.report.faults.append(text)

    def play(self, log: Log, name: str) -> int:
        """Play the events of a log under this name. Return how often it was paid."""
        self.bank.execute("INSERT INTO requests VALUES (?, ?, 0)", [name, str(log.amount)])
        request = _RequestPlay(rig=self.rig, log=log, name=name, report=self.report)
        # Logs follow one another, each with its own waits.
        clock = self.rig.clock
        shift = clock.at - log.events[0].at
        for event in log.events:
            clock.at = max(event.at + shift, clock.at)
            request.play(event)
        request.close()
        row = self.bank.execute("SELECT payments FROM requests WHERE request_id = ?", [name])
        payments: int = row.fetchone()[0]
        return payments


@dataclass(kw_only=True)
class _RequestPlay:
    """One request, with its submissions so far."""

    rig: DeskRig
    log: Log
    name: str
    report: ApprovalsReport
    submissions: int = 0
    case_id: str = ""

    def play(self, event: LogEvent) -> None:
        """Do what somebody did."""
        match event.act:
            case Act.SUBMIT:
                self._submit()
            case Act.APPROVE:
                self._press(event, self._approve)
            case Act.REJECT:
                self._press(event, self._reject)
            case Act.PAY:
                self.rig.work([Topic.EXECUTE])

    def _submit(self) -> None:
        # After a rejection it is another request; until then the same form comes twice.
        if not self.case_id or self.rig.case(self.case_id).state is State.REJECTED:
            self.submissions += 1
        subject = f"{self.name}/{self.submissions}"
        signal = Signal(
            source="api",
            key=subject,
            kind=kind_of(self.log.chain),
            subject=subject,
            title=f"Request for payment {self.name}",
            occurred_at=None,
            facts={"request_id": self.name, "amount": float(self.log.amount)},
            requester=principal(EMPLOYEE),
        )
        self.case_id = self.rig.receive(signal)
        self.rig.work([Topic.TRIAGE])

    def _press(self, event: LogEvent, press: Callable[[str], None]) -> None:
        if not self.case_id:
            self.report.refusals["there is no case"] += 1
            return
        (person,) = PEOPLE[event.group]
        try:
            press(person)
        except Refusal as refusal:
            self.report.refusals[type(refusal).__name__] += 1

    def _approve(self, person: str) -> None:
        refusal = self.rig.approve(self.rig.case(self.case_id), person)
        if refusal:
            self.report.refusals[refusal] += 1

    def _reject(self, person: str) -> None:
        decisions = self.rig.desk.decisions
        case = self.rig.case(self.case_id)
        if case.state is State.APPROVED:
            # Approved for good: whoever approved takes it back before anybody may reject it.
            voter = case.proposal.approvals[-1].person.partition("/U")[2].lower()
            decisions.decide(self.rig.request(case, voter), Withdraw)
            case = self.rig.case(self.case_id)
        decisions.reject(self.rig.request(case, person), RejectReason.WRONG_PLAN)

    def close(self) -> None:
        """Take back what was left open, so that no later payment run finds it."""
        if not self.case_id:
            return
        case = self.rig.case(self.case_id)
        if not case.is_terminal:
            self.rig.desk.decisions.decide(self.rig.request(case, EMPLOYEE), Retract)
        self.rig.work([Topic.EXECUTE])


def kind_of(chain: Sequence[str]) -> str:
    """Name the kind of requests that this chain approves."""
    return f"{KIND}_{'_'.join(chain)}".replace("-", "_")


def library_of(logs: Sequence[Log]) -> FileLibrary:
    """Load the library with a kind for each chain of approvers of these logs."""
    library = load(LIBRARY)
    base = library.playbooks[KIND]
    chains = {log.chain for log in logs}
    kinds = {kind_of(chain): _playbook(base, chain) for chain in chains}
    return replace(library, playbooks={**library.playbooks, **kinds})


def _playbook(base: Playbook, chain: Sequence[str]) -> Playbook:
    *earlier, last = chain
    owners = replace(base.owners, business=last)
    terms = replace(
        base.terms,
        factors=tuple(ApprovalRequirement(group, 1) for group in earlier),
        owners=owners.by_role(),
    )
    return replace(base, kind=kind_of(chain), owners=owners, terms=terms)


@contextlib.contextmanager
def open_replay(logs: Sequence[Log]) -> Iterator[ApprovalsReplay]:
    """Open a bank with a desk that knows the chains of these logs."""
    with tempfile.TemporaryDirectory(prefix="countersign-bench-") as folder:
        path = Path(folder) / "bank.db"
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as bank:
            bank.execute("PRAGMA synchronous=OFF")
            bank.execute(
                "CREATE TABLE requests (request_id TEXT PRIMARY KEY, amount REAL, payments INTEGER)"
            )
            library = library_of(logs)
            secrets = {"BANK_URL": f"sqlite:///{path}"}
            with open_desk_rig(library, secrets=secrets, groups=PEOPLE) as rig:
                yield ApprovalsReplay(bank=bank, rig=rig)


def replay_approvals(logs: Sequence[Log], *, count: int, seed: int = 14) -> ApprovalsReport:
    """Play so many logs, evenly over the set, and one mutant of each that was paid.

    Zero are all of them.
    """
    step = max(1, len(logs) // count) if count else 1
    chosen = logs[::step][: count or None]
    mutator = LogMutator(seed)
    rules = list(mutator.rules)
    with open_replay(chosen) as replay:
        for number, log in enumerate(chosen):
            replay.play_log(log)
            if not log.payments:
                continue
            # A rule with nothing to change leaves the log to the next one.
            for rule in (*rules[number % len(rules) :], *rules):
                mutant = mutator.mutate(log, rule)
                if mutant is not None:
                    replay.play_mutant(mutant, rule)
                    break
        return replay.report
