"""Build a connector for each system that ``systems.yml`` declares."""

from collections.abc import Callable, Mapping, Sequence
from typing import assert_never

from bot.connectors.dry_run import DryRun
from bot.connectors.http import HttpConnector
from bot.connectors.message import MessageConnector
from bot.connectors.specs import HttpSystem, MessageSystem, SqlSystem, SystemSpec
from bot.connectors.sql import SqlConnector
from bot.ports import Chat, Connector

SecretLookup = Callable[[str], str]


def build_connectors(
    specs: Mapping[str, SystemSpec], *, secret: SecretLookup, chat: Chat, is_dry_run: bool
) -> dict[str, Connector]:
    """Build a connector for each system.

    All of its secrets must be set.

    ``secret`` returns the value of an environment variable, empty when it is not set.
    """
    connectors: dict[str, Connector] = {}
    for name, spec in specs.items():
        secrets = [secret(variable) for variable in secret_names(spec)]
        connector = _connector(spec, secrets, chat)
        connectors[name] = DryRun(connector) if is_dry_run else connector
    return connectors


def missing_secrets(specs: Mapping[str, SystemSpec], secret: SecretLookup) -> list[tuple[str, str]]:
    """Return each system with a variable that it lacks."""
    missing = []
    for name, spec in specs.items():
        for variable in secret_names(spec):
            if not secret(variable):
                missing.append((name, variable))
    return missing


def secret_names(spec: SystemSpec) -> list[str]:
    """Return the environment variables that a system takes its secrets from."""
    match spec:
        case SqlSystem():
            return [spec.url_env, *filter(None, [spec.read_url_env])]
        case HttpSystem():
            return list(filter(None, [spec.token_env]))
        case MessageSystem():
            return []
        case _:
            assert_never(spec)


def lease_conflicts(specs: Mapping[str, SystemSpec], lease_seconds: float) -> list[str]:
    """Name every system whose calls may outlast a worker's lease."""
    conflicts = []
    for name, spec in specs.items():
        seconds = spec.timeout.total_seconds()
        if seconds >= lease_seconds:
            conflicts.append(
                f"let one call to {name} take less than a lease: its timeout in systems.yml is "
                f"{seconds:g} s, COUNTERSIGN_LEASE_FOR is {lease_seconds:g} s"
            )
    return conflicts


def _connector(spec: SystemSpec, secrets: Sequence[str], chat: Chat) -> Connector:
    match spec:
        case SqlSystem():
            return SqlConnector(spec, *secrets)
        case HttpSystem():
            # Without a token the connector sends none.
            return HttpConnector(spec, *(secrets or [""]))
        case MessageSystem():
            return MessageConnector(spec, chat)
        case _:
            assert_never(spec)
