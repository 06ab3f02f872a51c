"""A model is asked for better words once the card stands. The card never waits for it, and loses nothing without it."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.cases import commands as m
from bot.cases.canonical import Scalar
from bot.cases.case import Case
from bot.cases.decide import decide
from bot.cases.errors import BadRequest, Superseded
from bot.cases.lifecycle import WAITING
from bot.desk.effects import change
from bot.desk.proposal import Proposals
from bot.desk.retry import retry_on_conflict
from bot.ports.case_store import CaseStore
from bot.ports.clock import Clock
from bot.ports.language import Narrator
from bot.ports.library import Library
from bot.ports.outbox import LeasedMessage, Outbox


@dataclass(frozen=True)
class CaseNarration:
    cases: CaseStore
    outbox: Outbox
    library: Library
    proposals: Proposals
    narrator: Narrator
    clock: Clock

    def run(self, work: LeasedMessage) -> None:
        """Handle one outbox row: ask once, write what came of it, if the case has not moved on meanwhile."""
        case = self.cases.case(work.case_id)
        playbook = self.library.playbook(case.kind)
        words = None
        if case.state in WAITING and case.words is None:
            words = self.narrator.narrate(
                case, playbook, lambda values: self._checked(case, values)
            )
        if words is None:
            self.outbox.finish(work)
            return
        asked = m.Narrate(words, case.revision)

        def write() -> None:
            latest = self.cases.case(work.case_id)
            try:
                entries = decide(latest, asked, self.clock())
            except Superseded:
                self.outbox.finish(work)
                return
            self.cases.commit(change(latest, entries, playbook), finish=work)

        retry_on_conflict(write)

    def _checked(self, case: Case, values: Mapping[str, Scalar]) -> str:
        """What the plan's first action would be with these parameters: prepared like any other, by its own connector."""
        if case.plan is None:
            raise BadRequest("there is no plan")
        first = case.plan.actions[0]
        return self.proposals.prepare(first.name, {**first.parameters, **values}).summary
