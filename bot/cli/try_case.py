"""The case of a playbook's first row, over a database."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bot.cases.case import Case
from bot.cases.errors import CountersignError
from bot.cases.playbook import Playbook
from bot.cases.signal import Signal
from bot.cli.terminal import print_hanging
from bot.cli.trial import card_of, find_unknown, print_trial
from bot.cli.try_signals import open_preview
from bot.connectors.registry import build_connectors, missing_secrets
from bot.connectors.sql import SqlSystem
from bot.desk.null_chat import NullChat
from bot.ports.connector import Connector
from bot.preflight import open_library
from bot.settings import Settings, load_offline
from knowledge.library import FileLibrary
from knowledge.library.playbooks import with_stake_currency


@dataclass(frozen=True, slots=True)
class CaseTrial:
    """A case that was tried, or why there is none."""

    library: FileLibrary
    case: Case | None
    #: What a manager could not be told, or could not decide.
    gaps: tuple[str, ...]

    @property
    def card(self) -> list[Any]:
        """The blocks of the card; empty without a case."""
        return card_of(self.case, self.library) if self.case else []

    def print(self) -> None:
        """Print the card with its grounds, or why there is none."""
        if self.case is not None:
            print_trial(self.case, self.library)
            return
        for sentence in self.gaps:
            print_hanging("  unknown  ", sentence)


def try_case(playbook: Playbook, signal: Signal, database: str) -> CaseTrial:
    """Triage a signal by this playbook, over the database."""
    settings = load_offline()
    library = open_library(settings)
    playbook = with_stake_currency(playbook, library.rules.currency)
    library = replace(library, playbooks={**library.playbooks, playbook.kind: playbook})
    detection = playbook.detection
    system = detection.system if detection else ""
    if system not in library.systems:
        names = ", ".join(library.systems)
        sentence = f"no card: systems.yml has no system {system}; it has {names}"
        return CaseTrial(library, None, (sentence,))
    try:
        systems = _connect(settings, library, system=system, database=database)
        with open_preview(settings, library, systems=systems) as preview:
            case = preview.preview_signal(signal)
    except CountersignError as failure:
        return CaseTrial(library, None, (f"the card cannot be previewed: {failure}",))
    return CaseTrial(library, case, tuple(find_unknown(case, library)))


def _connect(
    settings: Settings, library: FileLibrary, *, system: str, database: str
) -> dict[str, Connector]:
    """Connect the named system to its database, others by their secrets."""
    secrets = _secrets(settings, library, system=system, database=database)
    absent = {missing.system for missing in missing_secrets(library.systems, secrets)}
    specs = {name: spec for name, spec in library.systems.items() if name not in absent}
    return build_connectors(specs, secrets=secrets, chat=NullChat(), dry_run=True)


def _secrets(
    settings: Settings, library: FileLibrary, *, system: str, database: str
) -> Callable[[str], str]:
    spec = library.systems[system]
    url = database if "://" in database else f"sqlite:///{Path(database).resolve()}"

    def secret(name: str) -> str:
        if isinstance(spec, SqlSystem) and name == spec.url_env:
            return url
        return settings.secret(name)

    return secret
