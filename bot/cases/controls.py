"""Controls of the whole desk: pauses, delegations, emergency approvals, passkeys and rollbacks.

They are the fold of entries of their own, which carry ``DESK_ID`` instead of a case id.
"""

from dataclasses import dataclass
from datetime import datetime

from bot.cases.actor import DESK, CaseId
from bot.cases.delegation import Delegation
from bot.cases.entries import StageEvidence
from bot.cases.errors import DeskPaused
from bot.cases.grant import Grant
from bot.cases.passkey import Invitation, Passkey
from bot.cases.plan import Plan
from bot.cases.policy import Stage
from bot.cases.program_token import ProgramToken
from bot.cases.standing_rule import StandingRule
from bot.cases.version_record import KindVersions

DESK_ID = CaseId("DESK")
#: From the narrowest to the widest.
STAGE_ORDER = (Stage.SHADOW, Stage.SUPERVISED, Stage.AUTONOMOUS)
#: The scope of a pause that stops every plan.
EVERYTHING = ""
BEHIND = (
    "the ledger is older than what was signed: a backup was restored. "
    "Nothing runs until whoever runs Countersign has looked"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivePause:
    """A pause: no step within its scope begins."""

    #: Empty for everything, or "kind:…", "action:…", "system:…".
    scope: str
    reason: str
    by: str
    by_name: str
    at: datetime

    @property
    def description(self) -> str:
        """Say what is paused, by whom and why."""
        return f"{scope_text(self.scope)} is paused by {self.by_name}: {self.reason}"

    def stops(self, kind: str, plan: Plan | None) -> bool:
        """Tell whether this stops the plan of a case of this kind."""
        sort, _, name = self.scope.partition(":")
        actions = plan.actions if plan else ()
        match sort:
            case "kind":
                return name == kind
            case "action":
                return any(action.name == name for action in actions)
            case "system":
                return any(action.system == name for action in actions)
            case _:
                return True


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyApproval:
    """A plan that one person approved alone, until somebody else reviews it."""

    case_id: str
    revision: int
    person: str
    name: str
    reason: str
    at: datetime
    review_by: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """A restored backup, until an operator acknowledges it and ever after."""

    #: Size and root of the last checkpoint.
    size: int
    root: str
    #: How many entries the restored ledger had.
    own_size: int
    #: How many of them are proved to be in the checkpoint too.
    common_size: int
    at: datetime
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedStage:
    """The stage that an action of a kind has earned or lost."""

    kind: str
    action: str
    stage: Stage
    at: datetime
    by: str
    by_name: str
    reason: str
    #: It was taken back after a bad outcome, or by a person: what counted before counts no more.
    is_demotion: bool = False
    on_case: str = ""
    #: The idempotency key of the step that recorded it; empty for none.
    key: str = ""
    evidence: StageEvidence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptedRules:
    """The rules in force; the ledger has their content."""

    checksum: str
    #: The number of the entry about the desk that has it.
    version: int
    at: datetime
    by_name: str
    on_case: str = ""
    #: The idempotency key of the step that recorded it; empty for none.
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskControls:
    """Everything that holds for the desk as a whole."""

    #: The compare-and-set token.
    version: int = 0
    pauses: tuple[ActivePause, ...] = ()
    delegations: tuple[Delegation, ...] = ()
    emergencies: tuple[EmergencyApproval, ...] = ()
    invitations: tuple[Invitation, ...] = ()
    passkeys: tuple[Passkey, ...] = ()
    rollbacks: tuple[Rollback, ...] = ()
    #: At most one for each kind and action.
    stages: tuple[RecordedStage, ...] = ()
    #: Those that nobody and nothing has ended, also when their time is over.
    grants: tuple[Grant, ...] = ()
    #: Those that nobody and nothing has ended, also when their time is over.
    standing_rules: tuple[StandingRule, ...] = ()
    #: None before the first start.
    adopted_rules: AdoptedRules | None = None
    #: At most one for each kind; none before the first start.
    versions: tuple[KindVersions, ...] = ()
    #: Those that nobody has revoked, also when their time is over.
    tokens: tuple[ProgramToken, ...] = ()

    def versions_of(self, kind: str) -> KindVersions | None:
        """Return the versions of a kind's playbook; None before the first."""
        return next((one for one in self.versions if one.kind == kind), None)

    def grant(self, grant_id: str) -> Grant | None:
        """Return a grant that has not been ended."""
        return next((one for one in self.grants if one.id == grant_id), None)

    def standing_rule(self, rule_id: str) -> StandingRule | None:
        """Return a rule that has not been ended."""
        return next((one for one in self.standing_rules if one.id == rule_id), None)

    def recorded_stage(self, kind: str, action: str) -> RecordedStage | None:
        """Return the stage that was recorded for this action of a kind."""
        for record in self.stages:
            if (record.kind, record.action) == (kind, action):
                return record
        return None

    def stage_of(self, kind: str, action: str, initial: Stage) -> Stage:
        """Return the recorded stage, or ``initial``, that of the playbook."""
        record = self.recorded_stage(kind, action)
        return record.stage if record else initial

    def stage_of_plan(self, kind: str, plan: Plan, initial: Stage) -> Stage:
        """Return the lowest stage of a plan's actions."""
        stages = [self.stage_of(kind, action.name, initial) for action in plan.actions]
        return min(stages, key=STAGE_ORDER.index, default=initial)

    @property
    def holds(self) -> tuple[ActivePause, ...]:
        """List all pauses; that of a restored backup comes first."""
        rollbacks = self.unacknowledged_rollbacks
        if not rollbacks:
            return self.pauses
        pause = ActivePause(
            scope=EVERYTHING,
            reason=BEHIND,
            by=str(DESK),
            by_name="Countersign",
            at=rollbacks[0].at,
        )
        return (pause, *self.pauses)

    @property
    def is_behind(self) -> bool:
        """Tell whether a backup was restored and nobody has acknowledged it."""
        return bool(self.unacknowledged_rollbacks)

    @property
    def unacknowledged_rollbacks(self) -> tuple[Rollback, ...]:
        """List the restored backups that nobody has acknowledged."""
        return tuple(one for one in self.rollbacks if one.acknowledged_at is None)

    @property
    def restored_at(self) -> datetime | None:
        """Return when the last restored backup was noticed.

        Plans made before may have been carried out after the backup was made.
        """
        return max((rollback.at for rollback in self.rollbacks), default=None)

    def acknowledgement_of(self, size: int, root: str) -> Rollback | None:
        """Find the acknowledged rollback from exactly this checkpoint."""
        for rollback in self.rollbacks:
            is_same = (rollback.size, rollback.root) == (size, root)
            if is_same and rollback.acknowledged_at:
                return rollback
        return None

    def pause_on(self, kind: str, plan: Plan | None) -> ActivePause | None:
        """Find the pause that stops this plan now, the widest first."""
        pauses = [pause for pause in self.holds if pause.stops(kind, plan)]
        return min(pauses, key=_scope_length, default=None)


def _scope_length(pause: ActivePause) -> int:
    return len(pause.scope)


def must_not_be_paused(controls: DeskControls, kind: str, plan: Plan | None) -> None:
    """Refuse to begin a step of a paused plan.

    It is called in the transaction that begins the step.

    Raises:
        DeskPaused: the kill switch is on for this plan.
    """
    pause = controls.pause_on(kind, plan)
    if pause is not None:
        raise DeskPaused(pause.description)


def scope_text(scope: str) -> str:
    """Put the scope of a pause into words."""
    return scope.partition(":")[2].replace("_", " ") if scope else "everything"
