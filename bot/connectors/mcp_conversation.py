"""One conversation with an MCP server.

Each call of the connector has one of its own, so nothing of a server outlives the call, and a
server that changed its tools is met as it is now.
"""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar, cast

import anyio
import httpx2
from mcp import Client, MCPError
from mcp_types import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    CallToolResult,
    RequestParamsMeta,
    TextContent,
)
from pydantic import ValidationError

from bot.cases.canonical import canonical_hash
from bot.cases.errors import ConnectorFailed, OutcomeUnknown
from bot.clock import seconds_left
from bot.connectors.mcp_system import McpSystem, ToolCall
from bot.connectors.mcp_transport import END_SECONDS, open_address, run_command
from bot.connectors.specs import Secrets

log = logging.getLogger(__name__)
T = TypeVar("T")

MAX_TOOL_PAGES = 20
MAX_RESULT_LETTERS = 1_000_000
# By these the server says that no tool was run.
_NOT_RUN = frozenset({INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR})
# Whatever a server, its process, its connection or its words can raise. A group has them inside.
_FAILURES = (
    MCPError,
    httpx2.HTTPError,
    OSError,
    ValidationError,
    ValueError,
    RuntimeError,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
    ExceptionGroup,
)


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The answer of a tool: an object of JSON, or its text."""

    content: Mapping[str, Any]
    #: The tool says that it failed.
    is_error: bool


class SchemaMoved(ConnectorFailed):
    """A tool is gone, or takes other arguments than were pinned."""


@dataclass(slots=True)
class _Outcome(Generic[T]):
    value: T | None = None
    failure: ConnectorFailed | None = None
    is_known: bool = False


class ToolConversation:
    """A server that has said hello."""

    def __init__(self, system: McpSystem, client: Client) -> None:
        self._system = system
        self._client = client
        self._checksums: dict[str, str] = {}
        #: A change has been asked for and not answered.
        self.is_changing = False

    async def read_checksums(self) -> Mapping[str, str]:
        """Return the checksum of each tool's input schema."""
        if not self._checksums:
            cursor = None
            for _ in range(MAX_TOOL_PAGES):
                page = await self._client.list_tools(cursor=cursor, cache_mode="refresh")
                for tool in page.tools:
                    self._checksums[tool.name] = f"sha256:{canonical_hash(tool.input_schema)}"
                cursor = page.next_cursor
                if cursor is None:
                    break
        return self._checksums

    async def require_schema(self, call: ToolCall) -> None:
        """Require that the tool takes what was pinned.

        Raises:
            SchemaMoved: somebody has to look at it first.
        """
        problem = describe_pin(self._system, call, await self.read_checksums())
        if problem:
            raise SchemaMoved(problem)

    async def ask(self, call: ToolCall, arguments: dict[str, Any]) -> ToolResult:
        """Call a tool that changes nothing.

        Raises:
            ConnectorFailed: there is no answer.
        """
        await self.require_schema(call)
        return _read_result(await self._client.call_tool(call.tool, arguments))

    async def change(
        self, call: ToolCall, arguments: dict[str, Any], meta: dict[str, Any]
    ) -> ToolResult:
        """Call a tool that changes something.

        Raises:
            ConnectorFailed: it surely was not run.
            OutcomeUnknown: it may have been.
        """
        await self.require_schema(call)
        self.is_changing = True
        try:
            # The type has one key of its own; the protocol allows others.
            own_meta = cast(RequestParamsMeta, meta) if meta else None
            result = await self._client.call_tool(call.tool, arguments, meta=own_meta)
            answer = _read_result(result)
        except MCPError as error:
            if error.error.code not in _NOT_RUN:
                raise OutcomeUnknown(self._doubt(error)) from None
            self.is_changing = False
            reason = f"{self._system.name} did not run {call.tool}: error {error.error.code}"
            raise ConnectorFailed(reason) from None
        except _FAILURES as error:
            raise OutcomeUnknown(self._doubt(error)) from None
        self.is_changing = False
        return answer

    def _doubt(self, failure: Exception) -> str:
        return f"{self._system.name} did not say what came of it: {type(failure).__name__}"


def describe_pin(system: McpSystem, call: ToolCall, checksums: Mapping[str, str]) -> str:
    """Say what keeps a tool from being used; empty when nothing does."""
    actual = checksums.get(call.tool)
    if actual is None:
        return f"{system.name} has no tool {call.tool} any more: look at it, and change systems.yml"
    if not call.schema:
        return (
            f"no schema is pinned for the tool {call.tool} of {system.name}: run countersign check"
        )
    if actual != call.schema:
        return (
            f"the tool {call.tool} of {system.name} takes other arguments than were agreed:"
            " look at it, and pin it again in systems.yml"
        )
    return ""


def converse(
    system: McpSystem, secrets: Secrets, work: Callable[[ToolConversation], Awaitable[T]]
) -> T:
    """Speak with the server, within the time limit of the call.

    Raises:
        ConnectorFailed: nothing was changed.
        OutcomeUnknown: something may have been.
    """
    if seconds_left() <= 0:
        raise ConnectorFailed(f"{system.name}: no time was left to ask", retryable=True)
    outcome: _Outcome[T] = _Outcome()
    anyio.run(partial(_converse, system, secrets, work=work, outcome=outcome))
    if outcome.failure is not None:
        raise outcome.failure
    return outcome.value  # type: ignore[return-value]


async def _converse(
    system: McpSystem,
    secrets: Secrets,
    *,
    work: Callable[[ToolConversation], Awaitable[T]],
    outcome: _Outcome[T],
) -> None:
    """Fill the outcome, whatever happens.

    Nothing is raised: a task group would wrap it.
    """
    conversations: list[ToolConversation] = []
    try:
        with anyio.fail_after(seconds_left()) as scope:
            async with Client(_transport(system, secrets), cache=None) as client:
                conversations.append(ToolConversation(system, client))
                try:
                    outcome.value = await work(conversations[0])
                except ConnectorFailed as failure:
                    outcome.failure = failure
                outcome.is_known = True
                # A farewell that takes long changes nothing.
                scope.deadline = min(scope.deadline, anyio.current_time() + END_SECONDS)
    except _FAILURES as failure:
        if outcome.is_known:
            log.info("%s did not part in peace: %s", system.name, type(failure).__name__)
            return
        outcome.failure = _lost_conversation(system, conversations, failure)


def _lost_conversation(
    system: McpSystem, conversations: list[ToolConversation], failure: Exception
) -> ConnectorFailed:
    if any(one.is_changing for one in conversations):
        return OutcomeUnknown(
            f"{system.name} did not say what came of it: {type(failure).__name__}"
        )
    return ConnectorFailed(f"{system.name} does not answer: {_name(failure)}", retryable=True)


def _name(failure: BaseException) -> str:
    """Name a failure, or the first in a group."""
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    return type(failure).__name__


def _transport(system: McpSystem, secrets: Secrets) -> Any:
    if system.command:
        environment = {name: secrets(name) for name in system.environment}
        return run_command(system.command, environment)
    return open_address(
        system.url,
        token=secrets(system.token_env) if system.token_env else "",
        private_hosts=frozenset(system.private_hosts),
        seconds=max(0.001, seconds_left()),
    )


def _read_result(result: CallToolResult) -> ToolResult:
    """Read an object of JSON, wherever the server put it."""
    is_error = bool(result.is_error)
    content = result.structured_content
    if isinstance(content, dict) and not _is_wrapped_text(content):
        return ToolResult(content, is_error)
    texts = [part.text for part in result.content if isinstance(part, TextContent)]
    text = "\n".join(texts)[:MAX_RESULT_LETTERS]
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = {"text": text}
    if isinstance(content, list):
        content = {"items": content}
    return ToolResult(content if isinstance(content, dict) else {"text": text}, is_error)


def _is_wrapped_text(content: Mapping[str, Any]) -> bool:
    """Tell whether a library has put a mere text into an object."""
    return set(content) == {"result"} and isinstance(content["result"], str)
