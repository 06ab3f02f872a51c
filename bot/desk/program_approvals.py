"""Approvals for programs: ask, look, take back and report.

A request is a signal of its program, and opens a case like any other. The same key is the same
request, and so are the same action and arguments while one waits, and for a day after a no.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot.cases import commands
from bot.cases.actor import is_person
from bot.cases.canonical import ScalarMapping
from bot.cases.case import Case
from bot.cases.commands import CancelRequest, ProgramCommand, ReportedOutcome, ReportOutcome
from bot.cases.decide import Decision, decide, record_entry
from bot.cases.errors import (
    BadRequest,
    KeyReused,
    LedgerBroken,
    NoSuchCase,
    NotEligible,
    TooMany,
)
from bot.cases.execution import StepKind, next_step
from bot.cases.lifecycle import State
from bot.cases.plan import Money, amount_of
from bot.cases.program import Program, ProgramAction, ProgramCaller
from bot.cases.program_request import ProgramRequest, is_request, quotation, request_of
from bot.cases.signal import Signal
from bot.desk.effects import change
from bot.desk.intake import Intake, open_case
from bot.desk.request_triage import excess
from bot.desk.retry import retry_on_conflict
from bot.desk.step_log import resolve, stop
from bot.ports.case_queries import CaseQueries
from bot.ports.case_store import CaseStore, Change, ReceiptOutcome
from bot.ports.clock import Clock
from bot.ports.library import Library
from bot.ports.receipts import ReceiptSigner
from bot.views.approval_record import approval_record, receipt_payload

#: Asking again so soon after a no changes nothing: the answer is the earlier one.
COOL_DOWN = timedelta(hours=24)
#: The same after a no that no person has said.
POLICY_COOL_DOWN = timedelta(hours=1)
MAX_TITLE = 300


class RequestOutcome(StrEnum):
    """The effect of a request that came in."""

    #: It has a case of its own.
    NEW = "new"
    #: It is one that is known: by its key, or as the same matter that still waits.
    SAME = "same"
    #: The same was refused a short while ago.
    REFUSED_BEFORE = "refused_before"


@dataclass(frozen=True, slots=True)
class RequestReceipt:
    """The case of a request, and what became of the request."""

    case: Case
    outcome: RequestOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramReport:
    """The outcome of an action, as its program says."""

    outcome: ReportedOutcome
    detail: str = ""
    facts: ScalarMapping = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ProgramApprovals:
    """Everything that a program can do about its own requests."""

    cases: CaseStore
    queries: CaseQueries
    intake: Intake
    library: Library
    clock: Clock

    # --- ask -----------------------------------------------------------------------------------

    def ask(
        self, caller: ProgramCaller, request: ProgramRequest, *, key: str, raw: bytes
    ) -> RequestReceipt:
        """Record a request, and put it before those who decide.

        Raises:
            Refusal: it may not be asked for, or the key was used for something else.
        """
        request = self.check(caller, request)
        program, now = caller.program, self.clock()
        signal = self._signal(program, request, key)
        playbook = self.library.playbook(signal.kind)
        hours = self.library.hours(playbook.channel)
        open_count = len(self.queries.open_from(program.source, program.approval_kind))

        def judge_latest(latest: Case | None, new_id: str) -> Change | None:
            if latest is None or not _is_same_matter(latest, signal, now):
                if open_count >= program.max_open:
                    raise TooMany(
                        f"{open_count} requests of {program.name} wait for a decision; "
                        "wait for one of them, or take one back"
                    )
                return open_case(new_id, signal, playbook, now=now, hours=hours)
            _must_be_same_terms(latest, request)
            recurrence = commands.Recur(signal, identities=self.library.identities())
            return change(latest, decide(latest, recurrence, now), playbook)

        receipt = self.intake.record(signal, raw, judge=judge_latest, now=now)
        if receipt.case_id is None:
            raise LedgerBroken(f"a request of {program.name} has no case")
        case = self.cases.case(receipt.case_id)
        return RequestReceipt(case, _outcome(receipt.outcome, case))

    def check(self, caller: ProgramCaller, request: ProgramRequest) -> ProgramRequest:
        """Return the request with its amount, if it may be asked for.

        Raises:
            NotEligible: neither file nor token allows it.
            BadRequest: something in it is wrong.
        """
        terms = caller.actions.get(request.action)
        if terms is None:
            names = ", ".join(sorted(caller.actions)) or "nothing"
            raise NotEligible(
                f"{caller.program.name} may not ask for {request.action}; it may ask for {names}"
            )
        strange_groups = sorted(set(request.approvers) - set(self.library.deciders()))
        if strange_groups:
            raise BadRequest(f"nobody here decides as {strange_groups[0]}", field="approvers")
        if request.is_own:
            request = self._with_amount(terms, request)
            self._must_be_within_limits(caller, terms, request)
        return request

    def _with_amount(self, terms: ProgramAction, request: ProgramRequest) -> ProgramRequest:
        """Find what an action of the program's own moves.

        A limit of money needs an amount: what is not known is never taken for little.
        """
        policy = self.library.policy()
        statement = request.amount
        if terms.amount:
            amount = amount_of(request.arguments.get(terms.amount))
            if amount is None:
                field = f"arguments.{terms.amount}"
                raise BadRequest(f"{terms.amount} must be an amount of money", field=field)
            if statement is not None and statement.amount != amount:
                raise BadRequest(f"amount is not what {terms.amount} says", field="amount")
            currency = statement.currency if statement else policy.currency
            return replace(request, amount=Money(amount, currency))
        has_money_limit = terms.per_request is not None or terms.amount_per_day is not None
        if statement is None and has_money_limit:
            raise BadRequest("say what it moves, as amount", field="amount")
        return request

    def _must_be_within_limits(
        self, caller: ProgramCaller, terms: ProgramAction, request: ProgramRequest
    ) -> None:
        limits = [limit for limit in (terms.per_request, caller.limit) if limit is not None]
        if request.amount is None or not limits:
            return
        policy = self.library.policy()
        amount = policy.convert(request.amount.amount, request.amount.currency)
        reason = excess(amount, min(limits), policy.currency)
        if reason:
            raise NotEligible(reason)

    def _signal(self, program: Program, request: ProgramRequest, key: str) -> Signal:
        account = self.library.account_of(request.on_behalf_of) if request.on_behalf_of else ""
        principals = (*program.acts_for, *filter(None, [account]))
        title = f"{program.title}: {quotation(request.summary)}"
        return Signal(
            source=program.source,
            key=key,
            kind=program.approval_kind,
            subject=request.subject,
            title=title[:MAX_TITLE],
            occurred_at=None,
            facts=request.facts(),
            requester=program.source,
            principals=tuple(dict.fromkeys(principals)),
        )

    # --- look ----------------------------------------------------------------------------------

    def find(self, caller: ProgramCaller, approval_id: str) -> Case:
        """Return a request of this program.

        Raises:
            NoSuchCase: there is none. One of another program is as if it were not there.
        """
        case = self.cases.case(approval_id)
        if case.signal.source != caller.program.source or not is_request(case):
            raise NoSuchCase(f"there is no case {approval_id[:40]}")
        return case

    # --- take back and report ------------------------------------------------------------------

    def cancel(self, caller: ProgramCaller, approval_id: str) -> Case:
        """Take a request back that nobody has decided yet.

        Raises:
            TooLate: it is decided, or has ended.
        """
        program = caller.program
        command = CancelRequest(source=program.source, title=program.title)
        return self._decide(caller, approval_id, command)

    def report(self, caller: ProgramCaller, approval_id: str, report: ProgramReport) -> Case:
        """Record what came of an action that the program has carried out.

        Raises:
            TooLate: nothing was handed back, or it was reported before.
        """
        program = caller.program
        command = ReportOutcome(
            source=program.source,
            title=program.title,
            outcome=report.outcome,
            detail=report.detail,
            facts=report.facts,
        )
        return self._decide(caller, approval_id, command)

    def _decide(self, caller: ProgramCaller, approval_id: str, command: ProgramCommand) -> Case:
        def attempt() -> Case:
            case, now = self.find(caller, approval_id), self.clock()
            decision = _with_end(decide(case, command, now), now)
            playbook = self.library.playbook(case.kind)
            return self.cases.commit(change(case, decision, playbook), urgent=True)

        return retry_on_conflict(attempt)


@dataclass(frozen=True)
class ApprovalRecords:
    """Writes requests as JSON, with the receipts of their decisions."""

    signer: ReceiptSigner

    def of(self, case: Case) -> dict[str, object]:
        """Return a request with its decision and receipt."""
        payload = receipt_payload(case, self.signer.issuer)
        return approval_record(case, self.signer.sign(payload) if payload else None)


def _is_same_matter(latest: Case, signal: Signal, now: datetime) -> bool:
    """Tell whether a request waits, or was refused lately."""
    if latest.signal.identity not in signal.identities:
        return False
    reason = latest.activity.status_reason
    if latest.state is not State.REJECTED or reason is None:
        return not latest.is_terminal
    last = latest.activity.last_decision
    is_by_person = last is not None and any(map(is_person, last.by))
    return now - reason.at <= (COOL_DOWN if is_by_person else POLICY_COOL_DOWN)


def _must_be_same_terms(latest: Case, request: ProgramRequest) -> None:
    """Refuse to let an approval of one amount stand for another.

    Raises:
        KeyReused: the request that waits rests on something else.
    """
    earlier = request_of(latest.signal)
    if latest.is_terminal or earlier is None or earlier.terms == request.terms:
        return
    raise KeyReused(
        f"{latest.id} asks for the same with these arguments, and states another amount, other "
        "approvers or another person; wait for it, or take it back"
    )


def _outcome(outcome: ReceiptOutcome, case: Case) -> RequestOutcome:
    if outcome is ReceiptOutcome.OPENED:
        return RequestOutcome.NEW
    if outcome is ReceiptOutcome.COUNTED and case.state is State.REJECTED:
        return RequestOutcome.REFUSED_BEFORE
    return RequestOutcome.SAME


def _with_end(decision: Decision, now: datetime) -> Decision:
    """Add the end of the plan that follows from a report.

    Both are one commit.
    """
    case = decision.case
    match next_step(case).next:
        case StepKind.FINISH:
            return decision.then(record_entry(case, resolve(case, now), now))
        case StepKind.STOP:
            return decision.then(record_entry(case, stop(case), now))
        case _:
            return decision
