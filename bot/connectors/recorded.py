"""Systems as they answered once: for a case that is played again.

Nothing leaves the machine. Look-ups return what the ledger recorded, dry runs are made over the
snapshot that was taken then, and nothing can be carried out. What nobody asked then is not known.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from bot.cases.canonical import Scalar, ScalarMapping
from bot.cases.errors import ConnectorFailed
from bot.cases.evidence import Evidence
from bot.cases.plan import Action
from bot.cases.playbook import Lookup
from bot.cases.recommendation import Alternative
from bot.connectors.parameters import convert_parameters
from bot.connectors.specs import ActionSpec, SystemSpec, prepare_action
from bot.ports.connector import NOTHING, Connector, EffectStatus

LookUpToday = Callable[[str, ScalarMapping, int], list[dict[str, Scalar]]]
"""Make a look-up in one system, as it is today: query, parameters and limit."""
AskSystem = Callable[[str, str, ScalarMapping, int], list[dict[str, Scalar]]]
"""The same, with the name of the system before."""
NOT_RECORDED = "nobody had asked this then, so the answer is not known"
NO_CHANGE = "a replay changes nothing"
#: As the recommender writes why an action was not possible.
CANNOT_PREPARE = "cannot be prepared: "
#: The column that counts the rows of an answer.
ROW_COUNT = "rows"


@dataclass(frozen=True, slots=True)
class _Answer:
    """The recorded answer to one look-up: rows, or why there are none."""

    rows: tuple[dict[str, Scalar], ...] = ()
    failure: str = ""


@dataclass(frozen=True, kw_only=True)
class Recording:
    """The answers of systems when the desk looked at a case."""

    evidence: tuple[Evidence, ...]
    #: The actions that were prepared, with their snapshots.
    actions: tuple[Action, ...] = ()
    #: Why others were not recommended; some could not be prepared.
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RecordedSystems:
    """The systems of a library, with the answers of one recording.

    ``lookups`` are those of the playbook that asks.
    """

    specs: Mapping[str, SystemSpec]
    recording: Recording
    lookups: Sequence[Lookup]
    #: Asks a system of today what nobody had asked then; None to ask none.
    ask: AskSystem | None = None
    _connectors: dict[str, Connector] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Connector:
        """Return the recorded connector of this system."""
        if name not in self._connectors:
            answers = _answers_of(name, self.lookups, self.recording.evidence)
            ask = partial(self.ask, name) if self.ask else None
            self._connectors[name] = RecordedConnector(
                self.specs[name], self.recording, answers, ask=ask
            )
        return self._connectors[name]


class RecordedConnector:
    """One system, as it answered once."""

    def __init__(
        self,
        spec: SystemSpec,
        recording: Recording,
        answers: Mapping[str, Sequence[_Answer]],
        *,
        ask: LookUpToday | None = None,
    ) -> None:
        """``answers`` are those to each query, in the order of the look-ups."""
        self._ask = ask
        self._spec = spec
        self._actions = recording.actions
        self._failures = dict(_failures_of(recording.alternatives))
        self._answers = {query: list(replies) for query, replies in answers.items()}

    @property
    def timeout(self) -> timedelta:
        return self._spec.timeout

    def look_up(
        self,
        query: str,
        parameters: ScalarMapping,
        limit: int,
    ) -> list[dict[str, Scalar]]:
        """Return what was answered then."""
        answers = self._answers.get(query)
        if not answers:
            if self._ask is None:
                raise ConnectorFailed(NOT_RECORDED)
            return self._ask(query, parameters, limit)
        # Two look-ups may have one query, with other parameters.
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer.failure:
            raise ConnectorFailed(answer.failure)
        return [dict(row) for row in answer.rows[:limit]]

    def prepare(
        self, action: str, parameters: ScalarMapping, words: ScalarMapping = NOTHING
    ) -> Action:
        """Make the dry run over the snapshot of then."""
        spec = self._spec.actions.get(action)
        if spec is None:
            raise ConnectorFailed(f"{self._spec.name} has no action {action!r}")
        values = convert_parameters(parameters, spec.parameters)
        name = f"{self._spec.name}.{action}"
        earlier = [one for one in self._actions if one.name == name]
        if not earlier and name in self._failures:
            raise ConnectorFailed(self._failures[name])
        for one in earlier:
            dry_run = self._dry_run(spec, values, snapshot=one.precondition, words=words)
            # The snapshot of another thing says nothing about this one.
            if dry_run.target == one.target:
                return dry_run
        return self._dry_run(spec, values, snapshot={}, words=words)

    def _dry_run(
        self,
        spec: ActionSpec,
        values: ScalarMapping,
        *,
        snapshot: ScalarMapping,
        words: ScalarMapping,
    ) -> Action:
        return prepare_action(
            spec,
            system=self._spec.name,
            connector=self._spec.connector,
            parameters=values,
            snapshot=snapshot,
            words=words,
        )

    def precondition(self, action: Action) -> ScalarMapping:
        """Return the snapshot of then."""
        return action.precondition

    def execute(self, action: Action, key: str) -> str:
        """Refuse."""
        raise ConnectorFailed(NO_CHANGE)

    def verify(self, action: Action, key: str) -> EffectStatus:
        """Answer that nobody knows."""
        return EffectStatus.UNKNOWN

    def undo(
        self,
        action: Action,
        key: str,
        undo_key: str,
    ) -> str:
        """Refuse."""
        raise ConnectorFailed(NO_CHANGE)


def _failures_of(alternatives: Iterable[Alternative]) -> Iterable[tuple[str, str]]:
    """Return why actions could not be prepared then."""
    for alternative in alternatives:
        if alternative.why_not.startswith(CANNOT_PREPARE):
            yield alternative.action, alternative.why_not.removeprefix(CANNOT_PREPARE)


def _answers_of(
    system: str, lookups: Sequence[Lookup], evidence: Sequence[Evidence]
) -> dict[str, list[_Answer]]:
    """Map each query to the answers that were recorded under its look-ups."""
    answers: dict[str, list[_Answer]] = defaultdict(list)
    for lookup in lookups:
        facts = [fact for fact in evidence if fact.name.partition(".")[0] == lookup.name]
        if lookup.system == system and facts:
            answers[lookup.query].append(_answer_of(facts))
    return dict(answers)


def _answer_of(facts: Sequence[Evidence]) -> _Answer:
    if facts[0].failure is not None:
        return _Answer(failure=facts[0].failure)
    row = {fact.name.partition(".")[2]: fact.value for fact in facts}
    count = row.pop(ROW_COUNT, 1)
    # Of the further rows only their number was recorded.
    more = count - 1 if isinstance(count, int) else 0
    return _Answer((row, *({} for _ in range(more))))
