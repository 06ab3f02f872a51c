"""Commands to the desk as a whole, as data for ``decide_controls``."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.cases.approval import Groups, Person
from bot.cases.caller import Caller
from bot.cases.entries import StageEvidence
from bot.cases.grant import Grant
from bot.cases.passkey import Passkey
from bot.cases.policy import Stage
from bot.cases.program_token import ProgramToken
from bot.cases.rule_record import RuleRecord
from bot.cases.standing_rule import Figures, StandingRule


@dataclass(frozen=True, slots=True)
class Pause:
    """Stop every plan within a scope."""

    by: Caller
    scope: str
    reason: str


@dataclass(frozen=True, slots=True)
class Resume:
    """End a pause."""

    by: Caller
    scope: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegate:
    """Let another person decide for the caller."""

    by: Caller
    to: Person
    #: Empty for every kind.
    kind: str
    begins_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EndDelegation:
    """End a delegation before its time."""

    by: Caller
    giver: str
    taker: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakGlass:
    """Record that the caller approves a plan alone in an emergency."""

    by: Caller
    case_id: str
    revision: int
    reason: str
    #: The group that may, and its members.
    group: str
    groups: Groups
    #: The time until somebody else must have reviewed it.
    review_for: timedelta


@dataclass(frozen=True, slots=True)
class ReviewEmergency:
    """Record that the caller has reviewed an emergency approval."""

    by: Caller
    case_id: str
    note: str


@dataclass(frozen=True, slots=True)
class TripCircuitBreaker:
    """Pause an action that has failed too often in a row."""

    action: str
    reason: str


@dataclass(frozen=True, slots=True)
class InvitePasskey:
    """Let a person add a passkey; the caller is an operator."""

    by: Caller
    to: Person
    ticket: str


@dataclass(frozen=True, slots=True)
class AddPasskey:
    """Add the passkey that an invited person has registered."""

    by: Caller
    passkey: Passkey
    ticket: str


@dataclass(frozen=True, slots=True)
class RemovePasskey:
    """Revoke a passkey, by its id or a unique prefix of it."""

    by: Caller
    credential: str


@dataclass(frozen=True, slots=True)
class MakeToken:
    """Give a program a token; the caller is an operator."""

    by: Caller
    token: ProgramToken


@dataclass(frozen=True, slots=True)
class RevokeToken:
    """Revoke a token, by its id or a unique prefix of it."""

    by: Caller
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FallBehind:
    """Record that a backup was restored. The fields are those of ``LedgerBehind``."""

    size: int
    root: str
    own_size: int
    common_size: int
    numbers_from: int


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Acknowledge a restored backup; the caller is an operator."""

    by: Caller
    note: str
    #: New cases are numbered above this.
    numbers_from: int


@dataclass(frozen=True, slots=True)
class RecordKeyRotation:
    """Record a new key of checkpoints; the caller is an operator."""

    by: Caller
    old_key: str
    new_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeStage:
    """Put an action of a kind under the stage that was approved."""

    kind: str
    action: str
    stage: Stage
    #: The stage of the playbook, where none is recorded.
    initial: Stage
    reason: str
    #: Who approved it, in words.
    by_name: str
    on_case: str
    #: The idempotency key of the step.
    key: str
    evidence: StageEvidence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeStageBack:
    """Let an action ask people again, because it turned out wrong."""

    kind: str
    action: str
    reason: str
    on_case: str
    #: It ran without a person, by the recorded stage or by that of an earlier playbook.
    is_alone: bool = True


@dataclass(frozen=True, slots=True)
class Supervise:
    """Let every action of a kind ask people again."""

    by: Caller
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class GiveGrant:
    """Record that the caller approves the next few plans like one."""

    by: Caller
    grant: Grant


@dataclass(frozen=True, slots=True)
class StopGrant:
    """End a grant before its time."""

    by: Caller
    grant_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndGrants:
    """End the grants on an action that turned out wrong."""

    kind: str
    action: str
    reason: str
    on_case: str


GrantCommand = GiveGrant | StopGrant | EndGrants


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptRules:
    """Put rules in force: the first ones, or approved ones."""

    record: RuleRecord
    #: Who approved it, in words.
    by_name: str
    on_case: str = ""
    #: The idempotency key of the step; empty at the first start.
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptStandingRule:
    """Let plans within the bounds of an approved rule run."""

    rule: StandingRule
    by_name: str
    on_case: str
    #: The idempotency key of the step.
    key: str
    yeses: tuple[str, ...] = ()
    counter_examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtStandingRule:
    """Let a rule end soon, unless somebody keeps it."""

    rule_id: str
    reason: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ProlongStandingRule:
    """Keep a rule for longer, as was approved, or take that back."""

    rule_id: str
    until: datetime
    by_name: str
    on_case: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndStandingRule:
    """End one rule."""

    rule_id: str
    reason: str
    by_name: str = "Countersign"
    on_case: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndRulesAfterOutcome:
    """End the rules that a wrong plan ran by, or could have."""

    kind: str
    action: str
    reason: str
    on_case: str
    #: The rule that it ran by; empty for none.
    rule_id: str = ""
    #: None where they are not known: every rule on the action ends.
    figures: Figures | None = None


StandingRuleCommand = (
    AdoptStandingRule
    | DoubtStandingRule
    | ProlongStandingRule
    | EndStandingRule
    | EndRulesAfterOutcome
)


@dataclass(frozen=True, slots=True)
class BeginVersion:
    """Try a changed playbook beside the one in force."""

    kind: str
    checksum: str
    #: The file.
    text: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BeginTrial:
    """Let the version that is tried judge some of the cases."""

    kind: str
    checksum: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptVersion:
    """Put a version of a playbook in force."""

    kind: str
    checksum: str
    #: The file; empty for a version that an earlier entry has.
    text: str = ""
    reason: str
    by_name: str
    on_case: str = ""
    #: The idempotency key of the step; empty for none.
    key: str = ""
    watch_until: datetime | None = None
    #: The version that goes back with it; empty for none.
    former_version: str = ""
    #: The version before cannot be read any more, so that nothing can be compared.
    is_unreadable: bool = False


@dataclass(frozen=True, slots=True)
class AdoptVersions:
    """Put versions in force together: those of the first start."""

    adoptions: tuple[AdoptVersion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndVersion:
    """Stop trying a version."""

    kind: str
    checksum: str
    reason: str
    by_name: str = "Countersign"
    on_case: str = ""
    may_return: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeVersionBack:
    """Return to the version before, because a case turned out wrong."""

    kind: str
    #: The version that judged the case.
    checksum: str
    reason: str
    on_case: str


VersionCommand = BeginVersion | BeginTrial | AdoptVersions | EndVersion | TakeVersionBack
StageCommand = ChangeStage | TakeStageBack | Supervise
#: What the desk does of its own accord.
OwnCommand = (
    TripCircuitBreaker
    | FallBehind
    | ChangeStage
    | TakeStageBack
    | EndGrants
    | AdoptRules
    | StandingRuleCommand
    | VersionCommand
)
PauseCommand = Pause | Resume | TripCircuitBreaker
DelegationCommand = Delegate | EndDelegation
EmergencyCommand = BreakGlass | ReviewEmergency
PasskeyCommand = InvitePasskey | AddPasskey | RemovePasskey
TokenCommand = MakeToken | RevokeToken
LedgerCommand = FallBehind | Acknowledge | RecordKeyRotation
ControlCommand = (
    PauseCommand
    | DelegationCommand
    | EmergencyCommand
    | PasskeyCommand
    | TokenCommand
    | LedgerCommand
    | StageCommand
    | GrantCommand
    | AdoptRules
    | StandingRuleCommand
    | VersionCommand
)
