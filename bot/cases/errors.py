"""All errors, in one tree.

A refusal is an expected no: its text is safe to show a person.

* CountersignError
  + Refusal                 an expected no; ``code`` goes into the ledger
    - NoSuchCase
    - MoveNotAllowed
    - Superseded
    - TooLate
    - NotEligible
    - DeskPaused          the kill switch is on
    - NoLongerAlone       what was to run alone must ask now
    - NotNow              it cannot be known just now who asks
    - BadRequest
    - KeyReused
    - TooMany             so many wait already
    - SettingsIncomplete
    - PlaybookInvalid
  + Conflict                somebody else wrote first; read again and decide again
  + UnreadableEntry         a later release wrote it, and goes on with the case
  + StaleFence              this worker's lease was taken over; nothing was written
  + ConnectorFailed         an outside system said no, and nothing changed there
    - WorldMoved            the precondition no longer holds, and nothing was changed
    - SystemRefused         the system's own rules forbid it, for good
    - OutcomeUnknown        it may or may not have happened: verify, never repeat blindly
  + ChatFailed              Slack refused, and nothing was posted
    - ChatUnknown           Slack may or may not have posted
    - RateLimited           Slack asked to wait
      . Unreachable         nothing could be sent
      . LockedOut           Slack does not accept our token
  + MemoryUnavailable       precedents cannot be asked now; cards go out without
  + LedgerBroken            the ledger does not prove what it should
    - DoubtDropped          an entry would forget a step whose outcome nobody knows
"""


class CountersignError(Exception):
    """The root; never raised itself."""


class Refusal(CountersignError):
    """An expected no, safe to show a person."""

    code = "refused"


class NoSuchCase(Refusal):
    """There is no such case, or the person may not see it.

    Both read the same.
    """

    code = "no_such_case"


class MoveNotAllowed(Refusal):
    """The lifecycle has no such transition."""

    code = "move_not_allowed"


class Superseded(Refusal):
    """The card showed an older revision of the plan."""

    code = "superseded"


class TooLate(Refusal):
    """The case has been decided, or its time has passed."""

    code = "too_late"


class NotEligible(Refusal):
    """This person may not decide this case."""

    code = "not_eligible"


class DeskPaused(Refusal):
    """The kill switch is on for this plan.

    The plan waits, and nothing is lost.
    """

    code = "paused"


class NoLongerAlone(Refusal):
    """A plan that policy let run alone must ask now.

    It is proposed again.
    """

    code = "no_longer_alone"


class NotNow(Refusal):
    """The directory cannot say just now who may do this.

    Nobody may, until it can.
    """

    code = "not_now"


class BadRequest(Refusal):
    """The request is not well formed; ``field`` names the field at fault."""

    code = "bad_request"

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class KeyReused(Refusal):
    """The same key came again with another body.

    Both are kept, and not merged.
    """

    code = "key_reused"


class TooMany(Refusal):
    """So many requests wait for a decision that no other is taken."""

    code = "too_many"


class SettingsIncomplete(Refusal):
    """The program cannot start; the text is a to-do list."""

    code = "settings_incomplete"


class PlaybookInvalid(Refusal):
    """A YAML file is not valid; the text names file and line."""

    code = "playbook_invalid"


class Conflict(CountersignError):
    """The case changed between reading and writing."""


class UnreadableEntry(CountersignError):
    """A later release wrote an entry that this one does not know."""


class StaleFence(CountersignError):
    """The lease on this work was taken over by another worker."""


class ConnectorFailed(CountersignError):
    """An outside system refused, and nothing changed there.

    ``retryable`` says that trying again can help.
    """

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class SystemRefused(ConnectorFailed):
    """The system itself said no, for good.

    No login that fails, no mistake of ours: what its own rules forbid.
    """


class WorldMoved(ConnectorFailed):
    """The precondition of the plan no longer holds."""


class OutcomeUnknown(ConnectorFailed):
    """The request was sent and no answer came back."""


class ChatFailed(CountersignError):
    """Slack refused; ``error`` is Slack's own code."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class ChatUnknown(ChatFailed):
    """Slack may have acted on the request."""


class RateLimited(ChatFailed):
    """Slack asked to wait ``seconds``."""

    words = "Slack asked to wait"

    def __init__(self, seconds: float) -> None:
        super().__init__("ratelimited")
        self.args = (self.words,)
        self.seconds = seconds


class Unreachable(RateLimited):
    """There is no connection, so nothing was sent.

    Waiting is no failure of the work.
    """

    words = "Slack cannot be reached"


class LockedOut(RateLimited):
    """Slack does not accept our token.

    Everything waits until an operator has replaced it.
    """

    def __init__(self, error: str, seconds: float = 15.0) -> None:
        super().__init__(seconds)
        self.args = (f"Slack does not let us in ({error})",)
        self.error = error


class MemoryUnavailable(CountersignError):
    """The precedent index is missing, damaged or too slow.

    The text says what to do.
    """


class LedgerBroken(CountersignError):
    """A hash or a signature of the ledger is wrong."""


class DoubtDropped(LedgerBroken):
    """An entry would forget a step whose outcome is not known."""
