"""One step of a plan while a worker has it in hand."""

from dataclasses import dataclass, replace

from bot.cases.case import Case, Step
from bot.cases.controls import DeskControls
from bot.cases.entries import Entry, StepReported, StepStarted, StepState
from bot.cases.plan import Action
from bot.ports.outbox import LeasedMessage


@dataclass(frozen=True, slots=True)
class StepWork:
    """A step, and the message under whose lease it is worked on."""

    case: Case
    step: int
    message: LeasedMessage
    #: As they were when the message was taken up; None where that is too long ago.
    controls: DeskControls | None = None

    @property
    def action(self) -> Action:
        """Return what this step does."""
        return self.case.action(self.step)

    @property
    def record(self) -> Step:
        """Return the record of this step, which must have begun."""
        return self.case.execution.steps[self.step]

    def on(self, case: Case) -> "StepWork":
        """Go on with the same step of a newer case."""
        return replace(self, case=case)


@dataclass(
    frozen=True,
    slots=True,
    kw_only=True,
)
class Direction:
    """The states of doing a step, or of undoing it."""

    begun_state: StepState
    unknown_state: StepState
    #: One look has found nothing.
    missing_state: StepState
    done_state: StepState
    #: The detail of a step whose effect was found.
    detail: str


FORWARD = Direction(
    begun_state=StepState.STARTED,
    unknown_state=StepState.UNKNOWN,
    missing_state=StepState.MISSING,
    done_state=StepState.LANDED,
    detail="found done",
)
BACKWARD = Direction(
    begun_state=StepState.UNDOING,
    unknown_state=StepState.UNDO_UNKNOWN,
    missing_state=StepState.UNDO_MISSING,
    done_state=StepState.UNDONE,
    detail="found undone",
)


def undo_key(key: str) -> str:
    """Return the idempotency key of undoing what was done under ``key``."""
    return f"undo:{key}"


def effect_key(work: StepWork, direction: Direction) -> str:
    """Return the idempotency key of the effect in this direction."""
    return work.record.key if direction is FORWARD else undo_key(work.record.key)


def is_beginning(entry: Entry, step: int, direction: Direction) -> bool:
    """Tell whether this entry begins the step in this direction."""
    body = entry.body
    if isinstance(body, StepReported):
        # A repeated step, and every undo, begins with a report.
        return body.step == step and body.state is direction.begun_state
    return isinstance(body, StepStarted) and body.step == step and direction is FORWARD
