"""Controls of the whole desk: pauses, delegations and emergency reviews."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from bot.cases.actor import Surface
from bot.cases.approval import is_colleague
from bot.cases.control_commands import (
    ControlCommand,
    Delegate,
    EndDelegation,
    Pause,
    Resume,
    ReviewEmergency,
    StopGrant,
    Supervise,
    TripCircuitBreaker,
)
from bot.cases.control_decisions import MAY_NOT_DELEGATE, MAY_NOT_PAUSE
from bot.cases.controls import DeskControls
from bot.cases.errors import BadRequest, NotEligible, TooLate
from bot.cases.grant import GrantMeter
from bot.cases.granting import live_grants, may_stop
from bot.desk.callers import Callers
from bot.desk.control_path import ControlPath
from bot.ports.case_queries import CaseQueries
from bot.ports.case_store import CaseStore
from bot.ports.clock import Clock
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.directory import Directory
from bot.ports.library import Library
from bot.ports.outbox import Outbox, Topic

# After so many failures in a row an action is paused until a person has looked.
MAX_FAILURES_IN_A_ROW = 3
FAILED_OUTCOME = "FAILED"


@dataclass(frozen=True, kw_only=True)
class Controls:
    """Everything that a person can decide about the desk as a whole.

    Every method returns the controls after it, and raises a ``Refusal`` that is safe to show.
    """

    desk_controls: DeskControlsStore
    cases: CaseStore
    queries: CaseQueries
    outbox: Outbox
    library: Library
    directory: Directory
    clock: Clock

    @cached_property
    def path(self) -> ControlPath:
        """Take the one path of all controls."""
        return ControlPath(self.desk_controls, self.queries, self.clock)

    @cached_property
    def callers(self) -> Callers:
        """Read who asks."""
        return Callers(
            desk_controls=self.desk_controls,
            library=self.library,
            directory=self.directory,
            clock=self.clock,
        )

    # --- looking before a form ------------------------------------------------------------------

    def must_be_able_to_pause(self, by: str) -> None:
        """Refuse, before a form, whoever may not pause anything.

        Raises:
            NotEligible: they decide and govern nothing here.
        """
        if not self._is_member(by, [*self.library.deciders(), *self.library.governors()]):
            raise NotEligible(MAY_NOT_PAUSE)

    def must_be_able_to_delegate(self, by: str) -> None:
        """Refuse, before a form, whoever has nothing to delegate.

        Raises:
            NotEligible: they decide nothing here.
        """
        if not self._is_member(by, self.library.deciders()):
            raise NotEligible(MAY_NOT_DELEGATE)

    def _is_member(self, by: str, handles: Sequence[str]) -> bool:
        groups = self.directory.groups(handles)
        is_member = any(by in members for members in groups.values())
        return is_member and is_colleague(self.directory.person(by))

    # --- the desk -------------------------------------------------------------------------------

    def pause(self, scope: str, *, by: str, reason: str, surface: Surface) -> DeskControls:
        """Stop every plan within a scope: "", "kind:…", "action:…" or "system:…"."""
        if scope:
            self.scope_of(scope.partition(":")[2])

        def command() -> ControlCommand:
            return Pause(self.callers.for_desk(by, surface), scope, reason)

        return self.path.decide(command, refresh=scope)

    def resume(self, scope: str, *, by: str, surface: Surface) -> DeskControls:
        """End a pause, and run at once what waited."""

        def command() -> ControlCommand:
            return Resume(self.callers.for_desk(by, surface), scope)

        controls = self.path.decide(command, refresh=scope)
        self.outbox.run_now(Topic.EXECUTE, self.clock())
        return controls

    def supervise(self, kind: str, *, by: str, reason: str, surface: Surface) -> DeskControls:
        """Let every action of a kind ask people again.

        Who may run alone is decided by a case; who may not, by anybody who decides cases.
        """
        scope = self.scope_of(kind)
        sort, _, name = scope.partition(":")
        if sort != "kind":
            raise BadRequest("name a kind of case", field="kind")

        def command() -> ControlCommand:
            return Supervise(self.callers.for_desk(by, surface), name, reason)

        return self.path.decide(command)

    def delegate(
        self,
        *,
        by: str,
        to: str,
        kind: str,
        begins_at: datetime,
        ends_at: datetime,
        surface: Surface,
    ) -> DeskControls:
        """Let ``to`` decide where ``by`` may, for a time."""
        if kind and self.library.playbook(kind).kind != kind:
            raise BadRequest(f"there is no playbook for {kind[:50]!r}", field="kind")
        taker = self.directory.person(to, fresh=True)

        def command() -> ControlCommand:
            return Delegate(
                by=self.callers.for_desk(by, surface),
                to=taker,
                kind=kind,
                begins_at=begins_at,
                ends_at=ends_at,
            )

        return self.path.decide(command)

    def end_delegation(
        self, *, by: str, giver: str, taker: str, kind: str, surface: Surface
    ) -> DeskControls:
        """End a delegation before its time."""

        def command() -> ControlCommand:
            return EndDelegation(
                by=self.callers.for_desk(by, surface),
                giver=giver,
                taker=taker,
                kind=kind,
            )

        return self.path.decide(command)

    def review(self, case_id: str, *, by: str, note: str, surface: Surface) -> DeskControls:
        """Record that somebody else has reviewed an emergency approval."""

        def command() -> ControlCommand:
            return ReviewEmergency(self.callers.for_desk(by, surface), case_id, note)

        return self.path.decide(command)

    def stop_grant(self, grant_id: str, *, by: str, surface: Surface) -> DeskControls:
        """End an approval of the next plans before its time."""

        def command() -> ControlCommand:
            return StopGrant(self.callers.for_desk(by, surface), grant_id)

        return self.path.decide(command)

    def stop_grants_on(self, case_id: str, *, by: str, surface: Surface) -> DeskControls:
        """End what was approved in advance with a case.

        Raises:
            TooLate: nothing is.
        """
        controls = self.desk_controls.load()
        grants = live_grants(controls, self.clock(), on_case=case_id)
        if not grants:
            raise TooLate(f"nothing is approved in advance with {case_id}")
        for grant in grants:
            controls = self.stop_grant(grant.id, by=by, surface=surface)
        return controls

    def grants(self, stopper: str = "") -> tuple[GrantMeter, ...]:
        """List what is approved in advance now, with its use.

        With ``stopper``: only what this person may stop.
        """
        grants = live_grants(self.desk_controls.load(), self.clock())
        if grants and stopper:
            caller = self.callers.for_desk(stopper, Surface.SLACK)
            grants = [grant for grant in grants if may_stop(caller, grant)]
        return tuple(GrantMeter(grant, self.cases.grant_use(grant)) for grant in grants)

    def trip_circuit_breaker(self, action: str) -> None:
        """Pause an action that has failed too often in a row."""
        outcomes = self.cases.step_outcomes(action, MAX_FAILURES_IN_A_ROW)
        if len(outcomes) < MAX_FAILURES_IN_A_ROW or set(outcomes) != {FAILED_OUTCOME}:
            return
        reason = (
            f"it has failed {MAX_FAILURES_IN_A_ROW} times in a row; look at the system, then resume"
        )

        def command() -> ControlCommand:
            return TripCircuitBreaker(action, reason)

        self.path.decide(command, refresh=f"action:{action}")

    def scope_of(self, text: str) -> str:
        """Read the scope that a person types.

        It is a kind, an action or a system; nothing means everything.

        Raises:
            BadRequest: there is nothing of that name.
        """
        name = text.strip().lower().replace("-", "_").replace(" ", "_")
        if name in {"", "all", "everything"}:
            return ""
        if self.library.playbook(name).kind == name:
            return f"kind:{name}"
        actions = self.library.policy().actions
        if name in actions:
            return f"action:{name}"
        if name in {action.partition(".")[0] for action in actions}:
            return f"system:{name}"
        kinds = ", ".join(kind.replace("_", " ") for kind, _ in self.library.titles())
        raise BadRequest(
            f"there is no kind, action or system called {text.strip()[:50]!r}; kinds are: {kinds}"
        )
