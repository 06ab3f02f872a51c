"""Tools of an MCP server as evidence and actions.

The server is trusted with nothing but what was declared: a tool whose arguments changed since is
not called, and its error says nothing about what happened.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

from bot.cases.canonical import Scalar, ScalarMapping, storable
from bot.cases.errors import ConnectorFailed, OutcomeUnknown, SystemRefused, WorldMoved
from bot.cases.evidence import list_changes
from bot.cases.expressions import find_scalar
from bot.cases.plan import Action
from bot.cases.plan_tree import convert_facts
from bot.clock import boottime, time_limit
from bot.connectors.mcp_conversation import (
    SchemaMoved,
    ToolConversation,
    ToolResult,
    converse,
    describe_pin,
)
from bot.connectors.mcp_system import McpSystem, ToolAction, ToolCall
from bot.connectors.parameters import convert_parameters
from bot.connectors.specs import Secrets, prepare_action, short_name
from bot.ports.connector import NOTHING, Effect, EffectStatus

MAX_DETAIL = 200


class McpConnector:
    """Calls the declared tools of one server."""

    def __init__(self, system: McpSystem, secrets: Secrets) -> None:
        self._system = system
        self._secrets = secrets

    @property
    def timeout(self) -> timedelta:
        return self._system.timeout

    def look_up(
        self,
        query: str,
        parameters: ScalarMapping,
        limit: int,
    ) -> list[dict[str, Scalar]]:
        """Call a tool as a look-up. Its answer is one row."""
        call = self._system.lookups.get(query)
        if call is None:
            raise ConnectorFailed(f"{self._system.name} has no look-up {query!r}")

        async def ask(server: ToolConversation) -> dict[str, Scalar]:
            return await self._read_fields(server, call, parameters)

        with self._time_limit():
            return [converse(self._system, self._secrets, ask)][:limit]

    def prepare(
        self, action: str, parameters: ScalarMapping, words: ScalarMapping = NOTHING
    ) -> Action:
        """Check the tools, and take the snapshot."""
        spec = self._find_spec(action)
        values = convert_parameters(parameters, spec.parameters)

        async def check(server: ToolConversation) -> dict[str, Scalar]:
            for call in spec.calls:
                await server.require_schema(call)
            return await self._snapshot(server, spec, values)

        with self._time_limit():
            snapshot = converse(self._system, self._secrets, check)
        return prepare_action(
            spec,
            system=self._system.name,
            connector=self._system.connector,
            parameters=values,
            snapshot=snapshot,
            words=words,
        )

    def precondition(self, action: Action) -> ScalarMapping:
        """Take the snapshot again."""
        spec = self._find_spec(short_name(action))

        async def ask(server: ToolConversation) -> dict[str, Scalar]:
            return await self._snapshot(server, spec, action.parameters)

        if spec.precondition is None:
            return {}
        with self._time_limit():
            return converse(self._system, self._secrets, ask)

    def read_facts(self, action: Action, key: str) -> ScalarMapping:
        """Read the facts of an effect from the result that shows it."""
        spec = self._find_spec(short_name(action))
        verify = spec.verify
        if verify is None or not spec.returns:
            return {}

        async def ask(server: ToolConversation) -> dict[str, Scalar]:
            return await self._read_fields(server, verify, {**action.parameters, "key": key})

        with self._time_limit():
            return convert_facts(converse(self._system, self._secrets, ask), spec.returns)

    def execute(self, action: Action, key: str) -> str | Effect:
        """Carry out the action, unless tool or facts have changed."""
        spec = self._find_spec(short_name(action))
        if spec.version != action.version:
            versions = f"version {spec.version} now, version {action.version} was approved"
            raise WorldMoved(f"{action.name} is {versions}")

        async def act(server: ToolConversation) -> Effect:
            snapshot = await self._snapshot(server, spec, action.parameters)
            reasons = list_changes(action.precondition, snapshot)
            if reasons:
                raise WorldMoved("; ".join(reasons))
            return await self._act(server, spec.execute, {**action.parameters, "key": key})

        try:
            with self._time_limit():
                effect = converse(self._system, self._secrets, act)
        except SchemaMoved as change:
            # What was approved is another thing now.
            raise WorldMoved(str(change)) from None
        if not spec.returns:
            return effect.detail
        return Effect(effect.detail, convert_facts(effect.facts, spec.returns))

    def undo(
        self,
        action: Action,
        key: str,
        undo_key: str,
    ) -> str:
        """Take back the effect under ``key``, which the call may name."""
        call = self._find_spec(short_name(action)).undo
        if call is None:
            raise ConnectorFailed(f"{action.name} cannot be undone")

        async def act(server: ToolConversation) -> Effect:
            values = {**action.parameters, "key": undo_key, "done_key": key}
            return await self._act(server, call, values)

        with self._time_limit():
            return converse(self._system, self._secrets, act).detail

    def verify(self, action: Action, key: str) -> EffectStatus:
        """Ask for the effect under this key. Only a clear answer counts."""
        call = self._find_spec(short_name(action)).verify
        if call is None:
            return EffectStatus.UNKNOWN

        async def ask(server: ToolConversation) -> ToolResult:
            return await server.ask(call, _fill(call.arguments, {**action.parameters, "key": key}))

        try:
            with self._time_limit():
                result = converse(self._system, self._secrets, ask)
        except ConnectorFailed:
            return EffectStatus.UNKNOWN
        if not result.is_error and find_scalar(call.landed_when, result.content) is True:
            return EffectStatus.LANDED
        if call.absent_when and find_scalar(call.absent_when, result.content) is True:
            return EffectStatus.ABSENT
        return EffectStatus.UNKNOWN

    def _time_limit(self) -> AbstractContextManager[None]:
        return time_limit(boottime() + self.timeout.total_seconds())

    def _find_spec(self, action: str) -> ToolAction:
        try:
            return self._system.actions[action]
        except KeyError:
            raise ConnectorFailed(f"{self._system.name} has no action {action!r}") from None

    async def _snapshot(
        self, server: ToolConversation, spec: ToolAction, parameters: ScalarMapping
    ) -> dict[str, Scalar]:
        if spec.precondition is None:
            return {}
        return await self._read_fields(server, spec.precondition, parameters)

    async def _read_fields(
        self, server: ToolConversation, call: ToolCall, parameters: ScalarMapping
    ) -> dict[str, Scalar]:
        """Ask a question and read the declared fields of its result."""
        result = await server.ask(call, _fill(call.arguments, parameters))
        if result.is_error:
            raise ConnectorFailed(f"{self._system.name}: {call.tool} failed")
        return {
            name: storable(find_scalar(expression, result.content))
            for name, expression in call.fields.items()
        }

    async def _act(
        self, server: ToolConversation, call: ToolCall, parameters: ScalarMapping
    ) -> Effect:
        """Change something, and say what came of it."""
        arguments, meta = _fill(call.arguments, parameters), _fill(call.meta, parameters)
        result = await server.change(call, arguments, meta)
        detail = _detail(call, result.content)
        if call.refused_when and find_scalar(call.refused_when, result.content) is True:
            raise SystemRefused(detail)
        if result.is_error:
            # It may have failed half-way.
            raise OutcomeUnknown(f"{self._system.name}: {call.tool} says that it failed")
        if call.landed_when and find_scalar(call.landed_when, result.content) is not True:
            raise OutcomeUnknown(f"{self._system.name}: {call.tool} did not confirm it")
        facts = {name: find_scalar(one, result.content) for name, one in call.fields.items()}
        return Effect(detail, facts)


def find_problems(system: McpSystem, secrets: Secrets) -> list[str]:
    """Compare the tools of the server with those that are pinned."""

    async def ask(server: ToolConversation) -> Mapping[str, str]:
        return await server.read_checksums()

    try:
        with time_limit(boottime() + system.timeout.total_seconds()):
            checksums = converse(system, secrets, ask)
    except ConnectorFailed as failure:
        return [f"{failure}; so the tools of {system.name} could not be checked"]
    calls = [*system.lookups.items()]
    for name, action in system.actions.items():
        calls += [(name, call) for call in action.calls]
    problems: dict[str, None] = {}
    for name, call in calls:
        problem = describe_pin(system, call, checksums)
        if problem:
            actual = checksums.get(call.tool)
            pin = f" (schema: {actual})" if actual else ""
            problems[f"systems.yml: {system.name}.{name}: {problem}{pin}"] = None
    return list(problems)


def _fill(expressions: Mapping[str, str], parameters: ScalarMapping) -> dict[str, Any]:
    return {name: find_scalar(expression, parameters) for name, expression in expressions.items()}


def _detail(call: ToolCall, content: Mapping[str, Any]) -> str:
    """Return what people read about the outcome."""
    detail = find_scalar(call.detail, content) if call.detail else None
    return f"{call.tool} is done" if detail is None else str(detail)[:MAX_DETAIL]
