"""The one path of all commands to the desk as a whole.

It reads the controls, decides and writes once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.cases.control_commands import ControlCommand
from bot.cases.control_decisions import decide_controls
from bot.cases.controls import DeskControls
from bot.cases.entries import Entry
from bot.cases.notices import notices_after
from bot.desk.call_slots import delegated_cases_message
from bot.desk.retry import retry_on_conflict
from bot.ports.case_queries import CaseQueries
from bot.ports.clock import Clock
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.outbox import OutboxMessage, Topic, card_message


@dataclass(frozen=True)
class ControlPath:
    """Decides commands to the desk as a whole."""

    desk_controls: DeskControlsStore
    queries: CaseQueries
    clock: Clock

    def decide(
        self, command: Callable[[], ControlCommand], *, refresh: str | None = None
    ) -> DeskControls:
        """Decide a command, which is made anew at every attempt.

        The cards within the scope ``refresh`` are refreshed; none for None.

        Raises:
            Refusal: an expected no, safe to show the person who asked.
        """

        def attempt() -> DeskControls:
            controls, now = self.desk_controls.load(), self.clock()
            decision = decide_controls(controls, command(), now)
            if not decision.entries:
                return controls
            messages = _notice_messages(decision.entries, now)
            if refresh is not None:
                messages += [
                    card_message(case_id, now)
                    for case_id in self.queries.affected_by_pause(refresh)
                ]
            return self.desk_controls.save(decision, messages, urgent=True)

        return retry_on_conflict(attempt)


def _notice_messages(entries: Sequence[Entry], now: datetime) -> list[OutboxMessage]:
    """Tell those whom the decision concerns, each in a direct message."""
    messages = []
    for notice in notices_after(entries):
        message = OutboxMessage(
            topic=Topic.CALL,
            key=f"call:desk:{notice.version}",
            case_id="",
            run_at=now,
            payload={"notice": notice.text, "to": notice.to},
        )
        messages.append(message)
        if notice.delegation:
            messages.append(delegated_cases_message(notice.delegation, now))
    return messages
