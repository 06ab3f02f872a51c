"""The outbox: effects of a commit, done by workers under a lease."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from bot.cases.case import Case


class Topic(StrEnum):
    """The kinds of outbox messages.

    Each has one handler, plugged in by the wiring.
    """

    TRIAGE = "triage"
    CARD = "card"
    NOTE = "note"
    CALL = "call"
    INQUIRY = "inquiry"
    EXECUTE = "execute"
    FOLLOW_UP = "follow_up"
    OBSERVE = "observe"
    REMEMBER = "remember"
    ANSWER = "answer"
    ORDER = "order"
    DIGEST = "digest"
    HOME = "home"
    STORM = "storm"
    SWEEP = "sweep"
    NARRATE = "narrate"
    COMPARE = "compare"
    RECOGNITION = "recognition"
    EVENT = "event"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxMessage:
    """A request for an effect.

    Requests under one key that wait together are one effect.
    """

    topic: Topic
    key: str
    #: The case that the effect is about; empty for lists and views.
    case_id: str
    #: Not before this time.
    run_at: datetime
    payload: Mapping[str, Any] = field(default_factory=dict)
    #: Among the due, the lower number goes first.
    priority: int = 0


def card_message(case_id: str, run_at: datetime) -> OutboxMessage:
    """Ask for a refresh of the card.

    It shows the state and not the event.

    There is one row per case, however often it is asked for; it is due at the earliest time.
    """
    return OutboxMessage(
        topic=Topic.CARD,
        key=f"card:{case_id}",
        case_id=case_id,
        run_at=run_at,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasedMessage:
    """An outbox message that one worker holds for a time."""

    key: str
    topic: Topic
    case_id: str
    #: Goes up with every claim, so that an earlier holder can no longer write.
    fence: int
    #: How often the effect has been requested since it was last done.
    requests: int
    #: Failures so far. After too many the message is parked.
    attempts: int
    #: Attempts since the last certain outcome, this one included. Above 1: look before repeating.
    uncertain_attempts: int
    payload: Mapping[str, Any]
    #: As it was requested, for the effects that follow from this one.
    priority: int = 0
    #: The case as the transaction left it that has leased the message; None when it was claimed.
    case: Case | None = field(default=None, compare=False, repr=False)


class Outbox(Protocol):
    """Queue effects, lease them to workers, and record how they ended."""

    def enqueue(self, messages: Sequence[OutboxMessage]) -> None:
        """Request effects that follow from no decision."""

    def enqueue_once(self, job: str, slot: int, message: OutboxMessage) -> bool:
        """Request an effect unless this slot of the job has one.

        Tell whether it was.
        """

    def has_due(self, topics: Sequence[Topic], now: datetime) -> bool:
        """Tell whether a claim would return anything."""

    def claim(
        self, topics: Sequence[Topic], limit: int, now: datetime, lease_seconds: float
    ) -> list[LeasedMessage]:
        """Lease due messages, in order of priority."""

    def renew(self, messages: Sequence[LeasedMessage], until: datetime) -> set[tuple[str, int]]:
        """Extend the leases that still hold.

        Return the key and fence of each.
        """

    def finish(self, message: LeasedMessage, messages: Sequence[OutboxMessage] = ()) -> None:
        """Record that the effect is done, and request those that follow.

        Raises:
            StaleFence: another worker has taken the message over.
        """

    def wait(self, message: LeasedMessage, until: datetime, reason: str) -> None:
        """Give a message back until then: its time has not come."""

    def retry(
        self,
        message: LeasedMessage,
        run_at: datetime,
        error: str,
        *,
        certain: bool,
        counts: bool = True,
    ) -> None:
        """Give the message back, to be tried again at ``run_at``.

        ``certain``: this attempt surely had no effect. ``counts``: it was a failure, not a wait.
        """

    def park(self, message: LeasedMessage, error: str) -> None:
        """Give the message up until a person lets it be tried again."""

    def waiting_keys(self, topic: Topic, case_id: str) -> list[str]:
        """Return the keys of a case's messages, but the done and parked."""

    def run_now(self, topic: Topic, now: datetime) -> None:
        """Make every waiting message of this topic due at once."""
