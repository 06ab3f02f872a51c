"""Events of cases, posted to the addresses of programs.

At least once and in no order that is promised. What an event says is the case as the event left
it, however late it arrives.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.cases.canonical import to_json
from bot.cases.case import Case
from bot.cases.errors import ConnectorFailed, LedgerBroken
from bot.cases.evolve import fold
from bot.cases.program import Callback, EventType, Program
from bot.cases.program_events import is_from
from bot.cases.program_request import is_request
from bot.desk.receiver_pace import ReceiverBusy, ReceiverPace
from bot.metrics import CONNECTOR_CALLS
from bot.ports.case_store import CaseStore
from bot.ports.clock import Clock
from bot.ports.event_sender import EventSender, Reception
from bot.ports.library import Library
from bot.ports.outbox import LeasedMessage, Outbox
from bot.views.case_summary import case_summary
from bot.views.program_event import DEFAULT_ORIGIN, CloudEvent, EventData, event_id

ApprovalRecord = Callable[[Case], Mapping[str, Any]]
"""Describe a request of a program, as ``GET /v1/approvals/{id}`` does."""


@dataclass(frozen=True, kw_only=True)
class EventDelivery:
    """Posts events to programs, until each was accepted."""

    cases: CaseStore
    outbox: Outbox
    library: Library
    #: None where nothing is sent from: whoever subscribed is no more.
    sender: EventSender | None
    approval_record: ApprovalRecord
    #: The address at which cases can be read.
    url: str
    #: The name of the deployment.
    origin: str = DEFAULT_ORIGIN
    clock: Clock
    _pace: ReceiverPace = field(default_factory=ReceiverPace)

    def run(self, message: LeasedMessage) -> None:
        """Post one event to one program.

        Raises:
            ConnectorFailed: it was not accepted, and is sent again later.
        """
        event = EventType(message.payload["event"])
        program = self.library.programs.get(message.payload["program"])
        callback = program.callback if program else None
        if program is None or callback is None or event not in callback.events:
            # Nobody hears of it any more.
            self.outbox.finish(message)
            return
        now = self.clock()
        try:
            with self._pace.turn(program.name, now):
                self._send(message, event, program=program, callback=callback)
        except ReceiverBusy as busy:
            self.outbox.wait(message, busy.until, str(busy))
            return
        self.outbox.finish(message)

    def _send(
        self, message: LeasedMessage, event: EventType, *, program: Program, callback: Callback
    ) -> None:
        if self.sender is None:
            raise ConnectorFailed("no callbacks are sent from here", retryable=True)
        body = self._event(message, event, program)
        outcome = "failed"
        try:
            reception = self.sender.send(
                callback, event_id=body.id, body=to_json(body), now=self.clock()
            )
            outcome = "ok" if reception is Reception.ACCEPTED else "refused"
        except ConnectorFailed as failure:
            raise ConnectorFailed(f"{program.title}: {failure}", retryable=True) from None
        finally:
            CONNECTOR_CALLS.labels(f"program:{program.name}", event.value, outcome).inc()

    def _event(self, message: LeasedMessage, event: EventType, program: Program) -> CloudEvent:
        case = self._case_then(message)
        # What others have asked for is not told, where a program hears of every case of a kind.
        is_its_own = is_from(program, case) and is_request(case)
        approval = self.approval_record(case) if is_its_own else None
        return CloudEvent(
            id=event_id(case.id, case.version, event),
            source=f"/{self.origin}",
            type=event,
            subject=case.id,
            # The time of the last entry of the decision.
            time=case.timers.changed_at,
            data=EventData(
                case=case_summary(case, self.library.labels(), url=self.url), approval=approval
            ),
        )

    def _case_then(self, message: LeasedMessage) -> Case:
        """Return the case as the decision left it."""
        version = int(message.payload["version"])
        if message.case is not None and message.case.version == version:
            return message.case
        entries = self.cases.entries(message.case_id)
        case = fold(entry for entry in entries if entry.version <= version)
        if case is None or case.version != version:
            raise LedgerBroken(f"{message.case_id} has no version {version}")
        return case
