"""Build the answers about cases, people, the product and acts over their ports."""

from dataclasses import dataclass

from bot.desk.action_stages import ActionStages
from bot.desk.answers.acts import ActAnswers
from bot.desk.answers.approvers import Approvers
from bot.desk.answers.capabilities import Capabilities
from bot.desk.answers.case_facts import CaseFactsAnswers
from bot.desk.answers.case_file import CaseFiles
from bot.desk.answers.control_acts import ControlActs
from bot.desk.answers.filters import ConditionFilters
from bot.desk.answers.names import Names
from bot.desk.answers.people import PeopleAnswers
from bot.desk.answers.precedents import CasePrecedents
from bot.desk.answers.product import ProductAnswers
from bot.desk.answers.readings import QueryWords
from bot.desk.confirmations import Confirmations
from bot.desk.eligibility import Eligibility
from bot.desk.reminders import Reminders
from bot.desk.visibility import Visibility
from bot.ports.card_store import CardStore
from bot.ports.case_queries import CaseQueries
from bot.ports.case_store import CaseStore
from bot.ports.clock import Clock
from bot.ports.decision_records import DecisionRecords
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.directory import Directory
from bot.ports.library import Library
from bot.ports.memory import Memory
from bot.ports.recommender import Recogniser


@dataclass(frozen=True, kw_only=True)
class FactAnswers:
    """Answers that are no list and no figure."""

    case_facts: CaseFactsAnswers
    people: PeopleAnswers
    product: ProductAnswers
    acts: ActAnswers


@dataclass(frozen=True, kw_only=True)
class FactAnswersBuilder:
    """Builds them one by one."""

    cases: CaseStore
    queries: CaseQueries
    card_store: CardStore
    desk_controls: DeskControlsStore
    decision_records: DecisionRecords
    library: Library
    directory: Directory
    memory: Memory
    recogniser: Recogniser
    confirmations: Confirmations
    reminders: Reminders
    visibility: Visibility
    clock: Clock

    def build(self) -> FactAnswers:
        """Build all answers."""
        people = self._people()
        return FactAnswers(
            case_facts=self._case_facts(),
            people=people,
            product=self._product(),
            acts=self._acts(people),
        )

    @property
    def _names(self) -> Names:
        return Names(self.directory)

    @property
    def _filters(self) -> ConditionFilters:
        return ConditionFilters(
            library=self.library,
            directory=self.directory,
            desk_controls=self.desk_controls,
            waiting=self.reminders.queues.waiting,
            clock=self.clock,
        )

    @property
    def _files(self) -> CaseFiles:
        return CaseFiles(
            cases=self.cases,
            desk_controls=self.desk_controls,
            library=self.library,
            names=self._names,
            clock=self.clock,
        )

    @property
    def _eligibility(self) -> Eligibility:
        return Eligibility(
            desk_controls=self.desk_controls,
            library=self.library,
            directory=self.directory,
            clock=self.clock,
        )

    @property
    def _approvers(self) -> Approvers:
        return Approvers(eligibility=self._eligibility, confirmations=self.confirmations)

    def _case_facts(self) -> CaseFactsAnswers:
        precedents = CasePrecedents(queries=self.queries, memory=self.memory, files=self._files)
        return CaseFactsAnswers(
            files=self._files,
            approvers=self._approvers,
            precedents=precedents,
            card_store=self.card_store,
            directory=self.directory,
            eligibility=self._eligibility,
            library=self.library,
        )

    def _people(self) -> PeopleAnswers:
        return PeopleAnswers(
            queries=self.queries,
            desk_controls=self.desk_controls,
            library=self.library,
            filters=self._filters,
            words=QueryWords(library=self.library, directory=self.directory),
            names=self._names,
            clock=self.clock,
        )

    def _product(self) -> ProductAnswers:
        capabilities = Capabilities(
            library=self.library,
            desk_controls=self.desk_controls,
            recogniser=self.recogniser,
            stages=ActionStages(
                desk_controls=self.desk_controls,
                records=self.decision_records,
                library=self.library,
                clock=self.clock,
            ),
        )
        return ProductAnswers(capabilities=capabilities, eligibility=self._eligibility)

    def _acts(self, people: PeopleAnswers) -> ActAnswers:
        control_acts = ControlActs(
            desk_controls=self.desk_controls,
            library=self.library,
            names=self._names,
            eligibility=self._eligibility,
            people=people,
            reminders=self.reminders,
            clock=self.clock,
        )
        return ActAnswers(
            visibility=self.visibility,
            files=self._files,
            confirmations=self.confirmations,
            approvers=self._approvers,
            eligibility=self._eligibility,
            control_acts=control_acts,
            card_store=self.card_store,
            directory=self.directory,
            library=self.library,
        )
