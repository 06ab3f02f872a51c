"""Systems that were asked already: what they answered is not asked again.

For another version of a playbook that judges the same case. Only what it alone asks goes out, and
nothing can be carried out.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.cases.canonical import Scalar, ScalarMapping
from bot.cases.errors import ConnectorFailed
from bot.cases.evidence import SIGNAL, Evidence
from bot.cases.plan import Action
from bot.cases.playbook import Lookup, Playbook
from bot.ports.connector import NOTHING, Connector, EffectStatus, Systems

NO_CHANGE = "a version that is compared changes nothing"
#: The column that counts the rows of an answer.
ROW_COUNT = "rows"
_ROOT = re.compile(r"\b([a-z][a-z0-9_]*)\.")

Answer = Sequence[dict[str, Scalar]] | str
"""The rows of an answer, or why there are none."""


def common_lookups(first: Playbook, second: Playbook) -> list[Lookup]:
    """List the look-ups of one playbook whose answers another one has.

    They must ask the same with the same parameters, which no look-up of its own may give.
    """
    names = {SIGNAL}
    common = []
    for lookup in second.evidence:
        roots = set(_ROOT.findall(" ".join(lookup.parameters.values())))
        if roots <= names and any(_asks_the_same(lookup, one) for one in first.evidence):
            names.add(lookup.name)
            common.append(lookup)
    return common


def _asks_the_same(one: Lookup, other: Lookup) -> bool:
    first = (one.name, one.system, one.query, dict(one.parameters))
    return first == (other.name, other.system, other.query, dict(other.parameters))


@dataclass(frozen=True, kw_only=True)
class AnsweredSystems:
    """Systems beside what they have answered to some look-ups."""

    systems: Systems
    #: What was read, under the names of the look-ups.
    evidence: tuple[Evidence, ...]
    lookups: Sequence[Lookup]
    #: The actions that were prepared.
    actions: tuple[Action, ...] = ()

    def __getitem__(self, name: str) -> Connector:
        """Return the system with its answers."""
        answers: dict[str, list[Answer]] = {}
        for lookup in self.lookups:
            facts = [fact for fact in self.evidence if fact.name.partition(".")[0] == lookup.name]
            if lookup.system == name and facts:
                answers.setdefault(lookup.query, []).append(_answer_of(facts))
        return AnsweredConnector(self.systems[name], answers, self.actions)


class AnsweredConnector:
    """One system beside what it has answered."""

    def __init__(
        self, real: Connector, answers: Mapping[str, list[Answer]], actions: tuple[Action, ...]
    ) -> None:
        """``answers`` are those to each query, in the order of the look-ups."""
        self._real = real
        self._answers = answers
        self._actions = actions

    @property
    def timeout(self) -> timedelta:
        return self._real.timeout

    def look_up(self, query: str, parameters: ScalarMapping, limit: int) -> list[dict[str, Scalar]]:
        """Return what was answered, or ask."""
        answers = self._answers.get(query)
        # Two look-ups may have one query, and one of them may be new: then both are asked.
        if not answers or len(answers) > 1:
            return self._real.look_up(query, parameters, limit)
        if isinstance(answers[0], str):
            raise ConnectorFailed(answers[0])
        return [dict(row) for row in answers[0][:limit]]

    def prepare(
        self, action: str, parameters: ScalarMapping, words: ScalarMapping = NOTHING
    ) -> Action:
        """Return the dry run of before, or make another one."""
        for one in () if words else self._actions:
            is_named = one.name.partition(".")[2] == action
            if is_named and _texts(one.parameters) == _texts(parameters):
                return one
        if not words:
            return self._real.prepare(action, parameters)
        return self._real.prepare(action, parameters, words)

    def precondition(self, action: Action) -> ScalarMapping:
        """Return the snapshot of before."""
        return action.precondition

    def execute(self, action: Action, key: str) -> str:
        """Refuse."""
        raise ConnectorFailed(NO_CHANGE)

    def verify(self, action: Action, key: str) -> EffectStatus:
        """Answer that nobody knows."""
        return EffectStatus.UNKNOWN

    def undo(self, action: Action, key: str, undo_key: str) -> str:
        """Refuse."""
        raise ConnectorFailed(NO_CHANGE)


def _answer_of(facts: Sequence[Evidence]) -> Answer:
    if facts[0].failure is not None:
        return facts[0].failure
    row = {fact.name.partition(".")[2]: fact.value for fact in facts}
    count = row.pop(ROW_COUNT, 1)
    # Of the further rows only their number was recorded.
    more = count - 1 if isinstance(count, int) else 0
    return [row, *({} for _ in range(more))]


def _texts(parameters: ScalarMapping) -> dict[str, str]:
    # A playbook may give a number as text, and a connector makes it one.
    return {name: str(value) for name, value in parameters.items()}
