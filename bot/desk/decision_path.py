"""The one path of every decision: read, decide, write once.

A refused attempt is written too. When somebody else wrote first, the case is read and decided
again: of two presses at the same instant one wins and the other gets a specific answer.
"""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from bot import tracing
from bot.cases.actor import CaseId, Surface, UserId
from bot.cases.caller import Caller
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.case import Case
from bot.cases.commands import Command, DecisionKind
from bot.cases.controls import DeskControls
from bot.cases.decide import Decision, answer_probe, decide, must_be_current, record_refusal
from bot.cases.errors import ChatFailed, NotEligible, NotNow, Refusal, Superseded
from bot.cases.probes import ANSWERS
from bot.desk.callers import Callers
from bot.desk.decision_priority import DecisionPriority
from bot.desk.effects import change
from bot.desk.retry import retry_on_conflict
from bot.desk.rules_in_force import RulesInForce
from bot.ports.case_store import CaseStore, Change
from bot.ports.clock import Clock
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.library import Library
from bot.ports.outbox import card_message
from bot.ports.press_store import PressState, PressStore

WHO_IS_NOT_KNOWN = (
    "Slack cannot say just now who may do this; nothing was decided, press again in a minute"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A person's request about one case."""

    case_id: CaseId
    by: UserId
    #: The case as their card showed it.
    snapshot: CardSnapshot
    surface: Surface
    #: The case, its card and the desk's controls when the request came, if they were read then.
    state: PressState | None = field(default=None, compare=False, repr=False)


#: Makes the command of a caller, on the case as it was read.
CommandOnCase = Callable[[Case, Caller], Command]
#: Makes the command of a caller who saw this.
CommandOf = Callable[[Caller, CardSnapshot], Command]


@dataclass(frozen=True, kw_only=True)
class DecisionPath:
    """Decides requests, and records those that are refused."""

    cases: CaseStore
    presses: PressStore
    desk_controls: DeskControlsStore
    library: Library
    callers: Callers
    clock: Clock
    priority: DecisionPriority
    rules: RulesInForce

    def decide(self, decision: DecisionKind, request: Request, command: CommandOf) -> Case:
        """Decide a command that needs the caller and nothing of the case."""
        return self.decide_on_case(decision, request, _on_any_case(command, request))

    def decide_on_case(
        self, decision: DecisionKind, request: Request, command: CommandOnCase
    ) -> Case:
        """Decide a command that is made from the case."""

        states = [request.state] if request.state else []

        def attempt() -> Case:
            # What was read when the request came serves once: compare-and-set guards it.
            state = states.pop() if states else self.presses.state(request.case_id)
            return self.cases.commit(
                self._change(state, decision, request=request, command=command), urgent=True
            )

        with self.priority:
            return retry_on_conflict(attempt)

    def submit(self, decision: DecisionKind, request: Request, command: CommandOf) -> Future[Case]:
        """Decide as ``decide`` does, without waiting until it is durable.

        A callback of the future runs on the thread that writes: see ``CaseStore.submit``. When
        somebody else wrote first it fails with ``Conflict``, and ``decide`` may follow.

        Raises:
            Refusal: an expected no; it is recorded.
        """
        with self.priority:
            state = request.state or self.presses.state(request.case_id)
            outcome = self._change(
                state, decision, request=request, command=_on_any_case(command, request)
            )
            return self.cases.submit(outcome, urgent=True)

    def preview(
        self, decision: DecisionKind, request: Request, command: CommandOnCase
    ) -> tuple[Case, Case]:
        """Return the case before and after a decision that is not written.

        Only its refusal would be.
        """
        state = self.presses.state(request.case_id)
        outcome = self._judge(state, decision, request=request, command=command)
        return state.case, outcome.case

    def _change(
        self,
        state: PressState,
        decision: DecisionKind,
        *,
        request: Request,
        command: CommandOnCase,
    ) -> Change:
        """Decide a command, and say what is to be written."""
        case = state.case
        with tracing.span("decision", case.id, kind=case.kind, decision=decision.value) as span:
            # What is not reached is a refusal, which has no other outcome.
            span.set(outcome="refused")
            outcome = self._judge(state, decision, request=request, command=command)
            span.set(outcome="recorded", state=outcome.case.state.name.lower())
        result = change(case, outcome, self.library.playbook(case.kind))
        return replace(result, controls_version=state.controls.version)

    def _judge(
        self,
        state: PressState,
        decision: DecisionKind,
        *,
        request: Request,
        command: CommandOnCase,
    ) -> Decision:
        """Decide a command on this case, and record a refusal."""
        case = state.case
        self.rules.follow(state.controls)
        caller = self.identify(case, request, decision, controls=state.controls)
        try:
            # Before a form's content is read: what it is about may be gone.
            must_be_current(case, decision, request.snapshot)
            if case.probe is not None and decision in ANSWERS:
                return answer_probe(
                    case,
                    decision,
                    by=caller,
                    snapshot=request.snapshot,
                    now=self.clock(),
                )
            return decide(case, command(case, caller), self.clock())
        except Refusal as refusal:
            self.record_refusal(
                request.case_id,
                caller,
                decision=decision,
                revision=request.snapshot.revision,
                refusal=refusal,
            )
            raise

    def identify(
        self,
        case: Case,
        request: Request,
        decision: DecisionKind,
        *,
        fresh: bool = False,
        controls: DeskControls | None = None,
    ) -> Caller:
        """Read the caller, or refuse and record the attempt.

        The desk's ``controls`` need not be read when they are given.

        Raises:
            NotEligible: the directory knows no such person.
            NotNow: the directory cannot be read.
        """
        try:
            return self.callers.for_case(
                case, request.by, request.surface, fresh=fresh, controls=controls
            )
        except NotEligible as failure:
            refusal: Refusal = failure
        except ChatFailed as failure:
            refusal = NotNow(f"{WHO_IS_NOT_KNOWN} ({failure.error})")
        self.refuse(request, decision, refusal)
        raise refusal

    def refuse(self, request: Request, decision: DecisionKind, refusal: Refusal) -> None:
        """Record the refusal of a caller of whom nothing has been read."""
        self.record_refusal(
            request.case_id,
            Caller.by_account(request.by, request.surface),
            decision=decision,
            revision=request.snapshot.revision,
            refusal=refusal,
        )

    def record_refusal(
        self,
        case_id: str,
        caller: Caller,
        *,
        decision: DecisionKind,
        revision: int,
        refusal: Refusal,
    ) -> None:
        """Write a refused attempt, and refresh a card that showed something else."""

        def write() -> None:
            case, now = self.cases.case(case_id), self.clock()
            outcome = record_refusal(
                case,
                caller,
                attempt=decision,
                revision=revision,
                refusal=refusal,
                now=now,
            )
            messages = (card_message(case_id, now),) if isinstance(refusal, Superseded) else ()
            self.cases.commit(
                Change(
                    before=case,
                    entries=outcome.entries,
                    messages=messages,
                    after=outcome.case,
                ),
                urgent=True,
            )

        retry_on_conflict(write)


def _on_any_case(command: CommandOf, request: Request) -> CommandOnCase:
    """Make such a command of the caller and of what they saw."""

    def command_on_case(case: Case, caller: Caller) -> Command:
        return command(caller, request.snapshot)

    return command_on_case
