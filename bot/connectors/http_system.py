"""The declaration of systems behind an HTTP API."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, StringConstraints

from bot.cases.constraints import KEYED, Name, OptionalEnvironmentName
from bot.cases.errors import ConnectorFailed
from bot.cases.plan import Idempotency
from bot.connectors.specs import ActionSpec, Secrets, SystemSpec, Timeout, check_calls
from bot.lazy_module import LazyModule
from bot.ports.chat import Chat
from bot.ports.connector import Connector

if TYPE_CHECKING:
    from bot.connectors import http
else:
    # Only who has such a system loads the HTTP library.
    http = LazyModule("bot.connectors.http")


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpCall:
    """One HTTP call, with expressions over its answer."""

    #: The method.
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    #: Path and query with placeholders for parameters, each percent-encoded.
    path: Annotated[str, StringConstraints(pattern=r"^/")]
    #: Expressions over the parameters, by field of the body.
    body: Mapping[str, str] = field(default_factory=dict)
    #: True where the answer confirms the effect.
    landed_when: Annotated[str, Field(validation_alias="landed")] = ""
    #: True where the answer of a `verify` says that there is no effect.
    absent_when: Annotated[str, Field(validation_alias="absent")] = ""
    #: True where the answer says that it is refused for good, whatever its status.
    refused_when: Annotated[str, Field(validation_alias="refused")] = ""
    #: What people read about the outcome, like a number of the payment.
    detail: str = ""
    #: What a look-up or precondition reads, and the facts that an action returns.
    fields: Mapping[Name, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class HttpAction(ActionSpec):
    """An action that is one HTTP call, with the calls around it."""

    #: The call that does it.
    execute: HttpCall
    #: A call whose fields must be as they were when the plan was made.
    precondition: HttpCall | None = None
    #: A call that shows whether the effect is there.
    verify: HttpCall | None = None
    #: The call that takes it back.
    undo: HttpCall | None = None
    #: What the server does with a key that it has seen before.
    declared_idempotency: Annotated[Idempotency, Field(validation_alias="idempotency")]

    def __post_init__(self) -> None:
        ActionSpec.__post_init__(self)
        verify_fields = self.verify.fields if self.verify else None
        check_calls(
            self,
            precondition_fields=self.precondition.fields if self.precondition else (),
            execute_fields=self.execute.fields,
            verify_fields=verify_fields,
        )

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
class HttpSystem(SystemSpec):
    """An HTTP API. Only listed hosts are reached; redirects are not followed."""

    connector: Literal["http"] = "http"
    #: The address that every path is put behind.
    base_url: Annotated[str, StringConstraints(pattern=r"^https?://")]
    #: The only hosts that are reached.
    hosts: Annotated[tuple[str, ...], Field(min_length=1)]
    #: The hosts that may have an address of our own network.
    private_hosts: tuple[str, ...] = ()
    #: The name of the secret that goes out as a bearer token; empty for none.
    token_env: OptionalEnvironmentName = ""
    #: How long one call may take in all.
    timeout: Timeout = timedelta(seconds=5)
    #: The header that carries the key of an action; empty for none.
    idempotency_header: str = "Idempotency-Key"
    #: The calls that a look-up may name in place of a query.
    lookups: Mapping[Name, HttpCall] = field(default_factory=dict)
    #: The actions by name.
    actions: Annotated[Mapping[str, HttpAction], KEYED] = field(default_factory=dict)

    def secret_names(self) -> tuple[str, ...]:
        return (self.token_env,) if self.token_env else ()

    def connect(self, secrets: Secrets, chat: Chat) -> Connector:
        token = secrets(self.token_env) if self.token_env else ""
        return http.HttpConnector(self, token)

    def find_problems(self, secrets: Secrets) -> list[str]:
        """Ask the system whether it is there and takes the token."""
        try:
            token = secrets(self.token_env) if self.token_env else ""
            return http.HttpConnector(self, token).find_problems()
        except ConnectorFailed as failure:
            return [str(failure)]
