"""Every connector there is.

A new one is a module beside this one, and a name in ``AnySystem``.
"""

from collections.abc import Mapping
from typing import Annotated, NamedTuple

from pydantic import Field

from bot.connectors.dry_run import DryRun
from bot.connectors.http_system import HttpSystem
from bot.connectors.mcp_system import McpSystem
from bot.connectors.measured import MeasuredConnector
from bot.connectors.message import MessageSystem
from bot.connectors.smtp_system import SmtpSystem
from bot.connectors.specs import Secrets, SystemSpec
from bot.connectors.sql import SqlSystem
from bot.ports.chat import Chat
from bot.ports.connector import Connector

#: A system of ``systems.yml``: the field ``connector`` says which.
AnySystem = Annotated[
    SqlSystem | HttpSystem | MessageSystem | SmtpSystem | McpSystem,
    Field(discriminator="connector"),
]


class MissingSecret(NamedTuple):
    """A secret that a system needs and that is not set."""

    system: str
    name: str


def missing_secrets(specs: Mapping[str, SystemSpec], secrets: Secrets) -> list[MissingSecret]:
    """List the secrets that the systems need and that are not set."""
    return [
        MissingSecret(system, name)
        for system, spec in specs.items()
        for name in spec.secret_names()
        if not secrets(name)
    ]


def build_connectors(
    specs: Mapping[str, SystemSpec],
    *,
    secrets: Secrets,
    chat: Chat,
    dry_run: bool,
) -> dict[str, Connector]:
    """Build the connector of each system.

    With ``dry_run`` none of them changes anything.

    Raises:
        ConnectorFailed: a system contradicts itself.
    """
    connectors: dict[str, Connector] = {}
    for name, spec in specs.items():
        connector = MeasuredConnector(name, spec.connect(secrets, chat))
        connectors[name] = DryRun(connector) if dry_run else connector
    return connectors


def lease_conflicts(specs: Mapping[str, SystemSpec], lease_seconds: float) -> list[str]:
    """Describe every system whose calls may outlast a worker's lease."""
    conflicts = []
    for name, spec in specs.items():
        seconds = spec.timeout.total_seconds()
        if seconds >= lease_seconds:
            conflicts.append(
                f"let one call to {name} take less than a lease: its timeout in systems.yml is "
                f"{seconds:g} s, COUNTERSIGN_LEASE_FOR is {lease_seconds:g} s"
            )
    return conflicts
