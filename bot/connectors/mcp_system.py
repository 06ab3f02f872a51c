"""The declaration of MCP servers as systems: tools as look-ups and actions.

A tool is used only as it is declared here. What the server says about its tools is untrusted text:
nobody reads it, no person and no model. The schema of a tool's arguments is pinned by its checksum.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, StringConstraints

from bot.cases.constraints import KEYED, EnvironmentName, Name, OptionalEnvironmentName, Text
from bot.cases.errors import ConnectorFailed
from bot.cases.expressions import Expression
from bot.cases.plan import Idempotency
from bot.connectors.specs import ActionSpec, Secrets, SystemSpec, Timeout, check_calls
from bot.lazy_module import LazyModule
from bot.ports.chat import Chat
from bot.ports.connector import Connector

if TYPE_CHECKING:
    from bot.connectors import mcp
else:
    # An extra: only who has such a system installs and loads the library.
    mcp = LazyModule("bot.connectors.mcp")

Checksum = Annotated[str, StringConstraints(pattern=r"^(sha256:[0-9a-f]{64})?$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """One call of a tool, with expressions over its result."""

    #: The name of the tool.
    tool: Text
    #: The checksum of the tool's input schema; ``countersign check`` prints it.
    schema: Checksum = ""
    #: Expressions over the parameters and ``key``, by name of the argument.
    arguments: Mapping[str, Expression] = field(default_factory=dict)
    #: The same for what goes along as ``_meta``.
    meta: Mapping[str, Expression] = field(default_factory=dict)
    #: True where the result confirms the effect.
    landed_when: Annotated[Expression, Field(validation_alias="landed")] = ""
    #: True where the result of a `verify` says that there is no effect.
    absent_when: Annotated[Expression, Field(validation_alias="absent")] = ""
    #: True where the result says that it is refused for good.
    refused_when: Annotated[Expression, Field(validation_alias="refused")] = ""
    #: What people read about the outcome, like the number of a ticket.
    detail: Expression = ""
    #: What a look-up or precondition reads, and the facts that an action returns.
    fields: Mapping[Name, Expression] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ToolAction(ActionSpec):
    """An action that is one call of a tool."""

    #: The call that does it.
    execute: ToolCall
    #: A call whose fields must be as they were when the plan was made.
    precondition: ToolCall | None = None
    #: A call that shows whether the effect is there.
    verify: ToolCall | None = None
    #: The call that takes it back.
    undo: ToolCall | None = None
    #: What the server does with a key that it has seen before.
    declared_idempotency: Annotated[Idempotency, Field(validation_alias="idempotency")]

    def __post_init__(self) -> None:
        ActionSpec.__post_init__(self)
        if self.verify is not None and not self.verify.landed_when:
            raise ValueError("verify needs landed: how the result shows that the effect is there")
        verify_fields = self.verify.fields if self.verify else None
        check_calls(
            self,
            precondition_fields=self.precondition.fields if self.precondition else (),
            execute_fields=self.execute.fields,
            verify_fields=verify_fields,
        )

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """Return every call that belongs to it."""
        calls = (self.execute, self.precondition, self.verify, self.undo)
        return tuple(call for call in calls if call is not None)

    @property
    def reversible(self) -> bool:
        return self.undo is not None

    @property
    def says_refusals(self) -> bool:
        return bool(self.execute.refused_when)

    @property
    def idempotency(self) -> Idempotency:
        return self.declared_idempotency


@dataclass(frozen=True, kw_only=True)
class McpSystem(SystemSpec):
    """An MCP server: a command on this machine, or an address."""

    connector: Literal["mcp"] = "mcp"
    #: The program and its arguments; it speaks over its standard input and output.
    command: tuple[Text, ...] = ()
    #: The names of secrets that stand in the environment of the command, and nothing else does.
    environment: tuple[EnvironmentName, ...] = ()
    #: The address of a server that speaks streamable HTTP.
    url: Annotated[str, StringConstraints(pattern=r"^(https?://.+)?$")] = ""
    #: The name of the secret that goes out as a bearer token; empty for none.
    token_env: OptionalEnvironmentName = ""
    #: The hosts that may have an address of our own network.
    private_hosts: tuple[str, ...] = ()
    #: How long one call may take in all.
    timeout: Timeout = timedelta(seconds=15)
    #: The calls that a look-up may name in place of a query.
    lookups: Mapping[Name, ToolCall] = field(default_factory=dict)
    #: The actions by name.
    actions: Annotated[Mapping[str, ToolAction], KEYED] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if bool(self.command) == bool(self.url):
            raise ValueError("an MCP server needs a command or a url, and not both")
        if self.command and self.token_env:
            raise ValueError("token_env goes with a url; list it under environment instead")
        if self.url and self.environment:
            raise ValueError("environment goes with a command; say token_env instead")

    def secret_names(self) -> tuple[str, ...]:
        return (*self.environment, self.token_env) if self.token_env else self.environment

    def connect(self, secrets: Secrets, chat: Chat) -> Connector:
        try:
            return mcp.McpConnector(self, secrets)
        except ModuleNotFoundError:
            raise ConnectorFailed(f"{self.name} needs the extra mcp, which is not installed") from (
                None
            )

    def find_problems(self, secrets: Secrets) -> list[str]:
        """Compare the tools of the server with what is pinned."""
        try:
            return mcp.find_problems(self, secrets)
        except ModuleNotFoundError:
            return [f"{self.name} needs the extra mcp, which is not installed"]
