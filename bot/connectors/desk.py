"""The desk as a system of its own, and its actions.

A change is written into the ledger under the key of its step, once. It can be taken back, and is
looked for there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from bot.cases.desk_kinds import DESK_SYSTEM
from bot.cases.errors import ConnectorFailed
from bot.cases.plan import Idempotency
from bot.connectors.parameters import ParameterType
from bot.connectors.specs import ActionSpec, Secrets, SystemSpec
from bot.ports.chat import Chat
from bot.ports.connector import Connector, Systems

TIMEOUT = timedelta(seconds=10)
UNDO_FOR = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class DeskAction(ActionSpec):
    """A change of the desk's own record."""

    @property
    def reversible(self) -> bool:
        return True

    @property
    def idempotency(self) -> Idempotency:
        return Idempotency.NATIVE_KEY


@dataclass(frozen=True, kw_only=True)
class DeskSystem(SystemSpec):
    """The desk itself. No file declares it."""

    connector: Literal["desk"] = "desk"

    def secret_names(self) -> tuple[str, ...]:
        return ()

    def connect(self, secrets: Secrets, chat: Chat) -> Connector:
        raise ConnectorFailed("the desk is connected where it is built")


CHANGE_STAGE_SPEC = DeskAction(
    name="change_stage",
    title="Change what the bot may do alone",
    parameters=dict.fromkeys(("kind", "action", "stage"), ParameterType.TEXT),
    titles={"kind": "Kind of case", "action": "Action", "stage": "Stage"},
    target="stage:{kind}:{action}",
    summary="Let “{action_title}” be {target_text} for “{kind_title}”",
    past_summary="“{action_title}” is {target_text} for “{kind_title}”",
    preview="“{action_title}” is {target_text} for “{kind_title}”, until it is taken back",
    undo_for=UNDO_FOR,
)
ADOPT_RULES_SPEC = DeskAction(
    name="adopt_rules",
    title="Let the changed rules be in force",
    parameters={"checksum": ParameterType.TEXT},
    titles={"checksum": "Version"},
    target="rules",
    summary="Let the changed rules be in force",
    past_summary="The changed rules are in force",
    preview="The changed rules are in force, until they are taken back",
    undo_for=UNDO_FOR,
)
ADOPT_STANDING_RULE_SPEC = DeskAction(
    name="adopt_standing_rule",
    title="Let such plans run without being asked",
    parameters=dict.fromkeys(("kind", "rule"), ParameterType.TEXT),
    titles={"kind": "Kind of case", "rule": "Version"},
    target="rule:{kind_title}",
    summary="Let this run without being asked, until {until_text}: {sentence}",
    past_summary="This runs without being asked, until {until_text}: {sentence}",
    preview="Plans within these bounds are carried out alone, until {until_text}",
    undo_for=UNDO_FOR,
)
KEEP_STANDING_RULE_SPEC = DeskAction(
    name="keep_standing_rule",
    title="Keep a standing rule",
    parameters=dict.fromkeys(("kind", "rule", "until"), ParameterType.TEXT),
    titles={"kind": "Kind of case", "rule": "Rule", "until": "Until"},
    target="rule:{kind_title}",
    summary="Keep this until {until_text}: {sentence}",
    past_summary="This is kept until {until_text}: {sentence}",
    preview="Such plans go on running without being asked, until {until_text}",
    undo_for=UNDO_FOR,
)
ADOPT_VERSION_SPEC = DeskAction(
    name="adopt_version",
    title="Let the new version of a playbook be in force",
    parameters=dict.fromkeys(("kind", "version"), ParameterType.TEXT),
    titles={"kind": "Kind of case", "version": "Version"},
    target="version:{kind}",
    summary="Let the new version of “{kind_title}” be in force",
    past_summary="The new version of “{kind_title}” is in force",
    preview="The new version of “{kind_title}” judges every case, until it is taken back",
    undo_for=UNDO_FOR,
)
DESK_ACTIONS = (
    CHANGE_STAGE_SPEC,
    ADOPT_RULES_SPEC,
    ADOPT_STANDING_RULE_SPEC,
    KEEP_STANDING_RULE_SPEC,
    ADOPT_VERSION_SPEC,
)
DESK_SPEC = DeskSystem(
    name=DESK_SYSTEM,
    title="bot itself",
    timeout=TIMEOUT,
    actions={spec.name: spec for spec in DESK_ACTIONS},
)


class SystemsWithDesk:
    """The systems of the library; beside them the desk, and programs."""

    def __init__(
        self, systems: Systems, desk: Connector, programs: Mapping[str, Connector] | None = None
    ) -> None:
        self.of_library = systems
        self._own = {DESK_SYSTEM: desk, **(programs or {})}

    def __getitem__(self, name: str) -> Connector:
        return self._own[name] if name in self._own else self.of_library[name]
