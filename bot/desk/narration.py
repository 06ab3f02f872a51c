"""Let a model word a case once its card is posted.

The card never waits for it, and loses nothing without it.
"""

from dataclasses import dataclass

from bot.cases import commands
from bot.cases.canonical import ScalarMapping
from bot.cases.case import Case
from bot.cases.decide import decide
from bot.cases.errors import BadRequest, Superseded
from bot.cases.lifecycle import WAITING
from bot.cases.playbook import Playbook
from bot.cases.recommendation import Words
from bot.desk.effects import change
from bot.desk.proposal import Proposals
from bot.desk.retry import retry_on_conflict
from bot.ports.case_store import CaseStore
from bot.ports.clock import Clock
from bot.ports.language import Narrator
from bot.ports.library import Library
from bot.ports.outbox import LeasedMessage, Outbox


@dataclass(frozen=True, kw_only=True)
class CaseNarration:
    """Ask a narrator for words, and write them if still useful."""

    cases: CaseStore
    outbox: Outbox
    library: Library
    proposals: Proposals
    narrator: Narrator
    clock: Clock

    def run(self, message: LeasedMessage) -> None:
        """Ask once, and write the words unless the case has moved."""
        case = self.cases.case(message.case_id)
        playbook = self.library.playbook(case.kind)
        words = self._ask(case, playbook)
        if words is None:
            self.outbox.finish(message)
            return
        command = commands.Narrate(words, case.proposal.revision)

        def write() -> None:
            latest = self.cases.case(message.case_id)
            try:
                decision = decide(latest, command, self.clock())
            except Superseded:
                self.outbox.finish(message)
                return
            self.cases.commit(change(latest, decision, playbook), finish=message)

        retry_on_conflict(write)

    def _ask(self, case: Case, playbook: Playbook) -> Words | None:
        """Ask for words for a case that waits and has none."""
        if case.state not in WAITING or case.proposal.words is not None:
            return None

        def check(values: ScalarMapping) -> str:
            return self._summarise_plan(case, values)

        return self.narrator.narrate(case, playbook, check)

    def _summarise_plan(self, case: Case, values: ScalarMapping) -> str:
        """Return what the plan's first action would do with these parameters."""
        if case.proposal.plan is None:
            raise BadRequest("there is no plan")
        first = case.proposal.plan.actions[0]
        # Prepared by its own connector, like the action of any plan.
        return self.proposals.prepare(first.name, {**first.parameters, **values}).summary
