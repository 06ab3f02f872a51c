"""Changed rules: ask the governance owners before they are in force.

The rules of the first start are in force without a question. Whatever the files say later is a
case like any other, with a card, a record and a vote.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.cases.case import Case
from bot.cases.control_commands import AdoptRules
from bot.cases.control_decisions import decide_controls
from bot.cases.controls import DeskControls
from bot.cases.desk_kinds import DESK_SOURCE, RULES_KIND
from bot.cases.errors import Conflict
from bot.cases.lifecycle import WAITING
from bot.cases.signal import Signal, SignalStatus
from bot.cases.source import ABSENCE
from bot.desk.intake import Intake
from bot.desk.past_plans import BACKTEST_SPAN, LedgerRows, judge_past, surroundings_of
from bot.desk.proposal import SHADOW_MODE
from bot.desk.rules_in_force import RulesInForce, WaitingRules
from bot.ports.case_queries import CaseQueries
from bot.ports.case_store import ReceiptOutcome
from bot.ports.clock import Clock
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.library import Library
from bot.views.policy_backtest import backtest_sentence, comparison_sentence
from bot.views.rule_changes import RuleChange, change_title, rule_changes, shorten

FIRST_START = "the first start"


@dataclass(frozen=True, kw_only=True)
class RuleDescriptions:
    """Put the change that waits into words, with its back-test."""

    desk_controls: DeskControlsStore
    rules: RulesInForce
    ledger: LedgerRows
    library: Library
    clock: Clock
    #: By what is in force and what the files say. A back-test reads the whole ledger.
    _changes: dict[tuple[str, str], RuleChange] = field(default_factory=dict, init=False)

    def describe(self) -> RuleChange | None:
        """Return the change that waits; None for none."""
        controls = self.desk_controls.load()
        waiting = self.rules.waiting(controls)
        if waiting is None:
            return None
        key = (waiting.record.checksum, waiting.changed_record.checksum)
        if key not in self._changes:
            self._changes[key] = self._describe(waiting, controls)
        return self._changes[key]

    def _describe(self, waiting: WaitingRules, controls: DeskControls) -> RuleChange:
        today, proposal = waiting.in_force.policy, waiting.of_files.policy
        changes = rule_changes(
            (waiting.record, today),
            (waiting.changed_record, proposal),
            self.library.labels(),
        )
        result = judge_past(
            self.ledger,
            today=today,
            proposal=proposal,
            surroundings=surroundings_of(self.library, controls),
            since=self.clock() - BACKTEST_SPAN,
        )
        return RuleChange(
            text=shorten(changes),
            figures=backtest_sentence(result),
            comparison=comparison_sentence(result),
        )


@dataclass(frozen=True, kw_only=True)
class RuleReview:
    """Record the first rules, and open a case for each later change."""

    desk_controls: DeskControlsStore
    rules: RulesInForce
    queries: CaseQueries
    intake: Intake
    library: Library
    clock: Clock
    mode: str = ""

    def load(self) -> None:
        """Read what is in force, without asking anybody."""
        if self.mode != SHADOW_MODE:
            self.rules.waiting(self.desk_controls.load())

    def review(self) -> int:
        """Compare the files with what is in force, and ask.

        Returns how many cases that opened.
        """
        if self.mode == SHADOW_MODE:
            return 0
        now, controls = self.clock(), self.desk_controls.load()
        if controls.adopted_rules is None:
            self._adopt_first(controls, now)
            return 0
        waiting = self.rules.waiting(controls)
        if waiting is None:
            self._keep_accounts()
        signal = self._signal(waiting) if waiting else None
        self._clear_others(signal, now)
        if signal is None or not self._may_ask(signal, now):
            return 0
        signal = replace(signal, key=f"{signal.subject}@{int(now.timestamp())}")
        return int(self.intake.receive(signal, b"").outcome is ReceiptOutcome.OPENED)

    def _adopt_first(self, controls: DeskControls, now: datetime) -> None:
        command = AdoptRules(record=self.library.rule_record(), by_name=FIRST_START)
        self._keep_accounts()
        try:
            self.desk_controls.save(decide_controls(controls, command, now))
        except Conflict:
            # Another process starts beside this one; the next review looks again.
            return

    def _keep_accounts(self) -> None:
        """Keep the accounts in force, before the file changes."""
        self.desk_controls.keep_accounts(self.library.declared_identities())

    def _open_cases(self) -> list[Case]:
        return list(self.queries.open_from(DESK_SOURCE, RULES_KIND))

    def _clear_others(self, signal: Signal | None, now: datetime) -> None:
        """Clear the cases about what the files do not say any more."""
        for case in self._open_cases():
            is_other = signal is None or case.signal.subject != signal.subject
            if is_other and case.state in WAITING:
                self.intake.receive(_clear(case, now), b"")

    def _may_ask(self, signal: Signal, now: datetime) -> bool:
        """Tell whether nobody was asked the same a short while ago."""
        if any(case.signal.subject == signal.subject for case in self._open_cases()):
            return False
        last_at = self.queries.last_signal_at(signal.fingerprint, except_from=ABSENCE)
        return last_at is None or now - last_at >= self.library.policy().autonomy.ask_again

    def _signal(self, waiting: WaitingRules) -> Signal:
        checksum = waiting.changed_record.checksum
        return Signal(
            source=DESK_SOURCE,
            key="",
            kind=RULES_KIND,
            subject=f"rules {checksum}",
            title=change_title(waiting.record, waiting.changed_record),
            occurred_at=None,
            facts={"checksum": checksum},
        )


def _clear(case: Case, now: datetime) -> Signal:
    """Build the signal that clears this version of a case."""
    return replace(
        case.signal,
        key=f"{case.signal.key}#clear{case.version}",
        occurred_at=now,
        status=SignalStatus.CLEAR,
    )
