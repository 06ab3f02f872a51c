"""The parts of the desk as one system."""

from datetime import timedelta

from bot.cases.canonical import Scalar, ScalarMapping
from bot.cases.desk_kinds import ADOPT_RULES, ADOPT_VERSION, DESK_SYSTEM, STANDING_RULE_ACTIONS
from bot.cases.plan import Action
from bot.cases.rules_playbook import CHANGE_QUERY
from bot.cases.standing_rule_playbook import STANDING_RULE_QUERY
from bot.cases.version_playbook import VERSION_QUERY
from bot.connectors.desk import TIMEOUT
from bot.ports.connector import NOTHING, Connector, EffectStatus


class CombinedDesk:
    """The desk as one system: stages, rules, standing rules and versions."""

    def __init__(
        self,
        stages: Connector,
        *,
        rules: Connector,
        standing_rules: Connector,
        versions: Connector,
    ) -> None:
        self._stages = stages
        self._by_query = {
            CHANGE_QUERY: rules,
            STANDING_RULE_QUERY: standing_rules,
            VERSION_QUERY: versions,
        }
        self._by_action = {
            ADOPT_RULES: rules,
            ADOPT_VERSION: versions,
            **dict.fromkeys(STANDING_RULE_ACTIONS, standing_rules),
        }

    @property
    def timeout(self) -> timedelta:
        return TIMEOUT

    def look_up(self, query: str, parameters: ScalarMapping, limit: int) -> list[dict[str, Scalar]]:
        part = self._by_query.get(query, self._stages)
        return part.look_up(query, parameters, limit)

    def prepare(
        self, action: str, parameters: ScalarMapping, words: ScalarMapping = NOTHING
    ) -> Action:
        return self._part(f"{DESK_SYSTEM}.{action}").prepare(action, parameters, words)

    def precondition(self, action: Action) -> ScalarMapping:
        return self._part(action.name).precondition(action)

    def execute(self, action: Action, key: str) -> str:
        return str(self._part(action.name).execute(action, key))

    def verify(self, action: Action, key: str) -> EffectStatus:
        return EffectStatus(self._part(action.name).verify(action, key))

    def undo(self, action: Action, key: str, undo_key: str) -> str:
        return self._part(action.name).undo(action, key, undo_key)

    def _part(self, name: str) -> Connector:
        return self._by_action.get(name, self._stages)
