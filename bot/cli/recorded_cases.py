"""Recorded cases for ``replay`` and ``test``, from database or file.

Neither asks an outside system anything, and neither writes to the database.
"""

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

from bot import storage
from bot.advisors import open_models, without_models
from bot.cases.canonical import Scalar, ScalarMapping
from bot.cases.case import Case
from bot.cases.desk_kinds import DESK_SYSTEM
from bot.cases.entries import Entry
from bot.cases.errors import (
    BadRequest,
    ConnectorFailed,
    CountersignError,
    PlaybookInvalid,
    SettingsIncomplete,
)
from bot.cases.evaluation import Trial, demoted_by
from bot.cases.playbook import ActionOffer, Lookup, Playbook
from bot.cases.policy import Stage
from bot.cases.precedent import PrecedentVersion
from bot.cases.precedent_json import version_from_plain, version_to_plain
from bot.cases.rule_use import RuleHistory
from bot.cases.usage import Usage
from bot.clock import utc_now
from bot.connectors.desk import DESK_SPEC
from bot.connectors.recorded import NOT_RECORDED, AskSystem, RecordedSystems, Recording
from bot.connectors.registry import build_connectors
from bot.connectors.specs import Secrets
from bot.desk.case_replay import CaseReplay, FrozenClock, RecordedCase, record_case
from bot.desk.null_chat import NullChat
from bot.desk.null_store import PastUsage
from bot.ports.connector import Connector
from bot.ports.language import LookUp
from bot.settings import Mode, Settings
from bot.store.past_cases import CaseSelection, PastCases
from knowledge.learning.model_file import ModelFile
from knowledge.library import FileLibrary, list_playbook_files, load, read_playbook
from knowledge.memory.embedder import open_embedders
from knowledge.memory.null_memory import NullMemory
from knowledge.memory.past_memory import PastMemory

#: Only whoever may read the database may read what was saved from it.
OWN_FILE = 0o600
PLAYBOOKS = "playbooks"
PRECEDENT_FORMAT = "countersign-precedent/1"
#: The format is the first field of a line.
MAX_FORMAT_PLACE = 60
WORDS = "words"
BUILT_IN_EMBEDDERS = frozenset({"", "model", WORDS})


@dataclass(kw_only=True)
class CaseSource:
    """Recorded cases, read one by one."""

    #: How many there are, as far as is known before they are read.
    total: int | None
    cases: Iterator[RecordedCase]
    #: Cases that cannot be read, with the reason.
    unreadable: list[str] = field(default_factory=list)
    #: What memory held, and when; none where it is left out.
    versions: Sequence[PrecedentVersion] = ()
    #: Sums what had been carried out before a moment; None for a file, which has it recorded.
    usage_before: PastUsage | None = None
    #: Reads a case as the database holds it; None for a file.
    read_stored: Callable[[str], Case] | None = None

    def stored_case(self, case_id: str) -> Case | None:
        """Return the case as the database holds it, if there is one."""
        return self.read_stored(case_id) if self.read_stored else None


@contextlib.contextmanager
def open_cases(
    settings: Settings,
    selection: CaseSelection,
    windows: Sequence[timedelta],
    *,
    has_memory: bool = False,
) -> Iterator[CaseSource]:
    """Open the cases of the database. It is only read.

    ``windows``: those over which policy limits actions.
    """
    store = storage.open_reader(settings)
    with closing(store.database):
        histories = PastCases(store.database)
        ids = histories.ids(selection)
        unreadable: list[str] = []
        desk_entries = histories.desk_entries()
        demotions, rule_history = demoted_by(desk_entries), RuleHistory(desk_entries)

        def usage_before(trial: Trial) -> Usage:
            return histories.usage_before(trial.at, windows, plan=trial.after.proposal.plan)

        def record(entries: list[Entry]) -> RecordedCase:
            is_demotion = entries[0].case_id in demotions
            return record_case(
                entries,
                usage_before,
                is_demotion=is_demotion,
                rules_before=lambda trial: rule_history.at(trial.at, trial.after.kind),
            )

        cases = _record_all(histories.read(ids), unreadable, record)
        yield CaseSource(
            total=len(ids),
            cases=cases,
            unreadable=unreadable,
            versions=histories.precedent_versions() if has_memory else (),
            read_stored=store.cases.case,
            usage_before=histories.usage_before,
        )


def _record_all(
    cases: Iterable[tuple[str, list[Entry]]],
    unreadable: list[str],
    record: Callable[[list[Entry]], RecordedCase],
) -> Iterator[RecordedCase]:
    for case_id, entries in cases:
        try:
            yield record(entries)
        except CountersignError as failure:
            # An earlier release may have written what this one refuses.
            unreadable.append(f"{case_id}: {failure}")


@contextlib.contextmanager
def open_file(path: Path) -> Iterator[CaseSource]:
    """Open the cases that were saved in a file.

    Raises:
        BadRequest: there is no such file.
    """
    if not path.is_file():
        raise BadRequest(f"{path}: file not found")
    with path.open(encoding="utf-8") as file:
        versions, lines = _parse_precedents(path, file)
        yield CaseSource(total=None, cases=_parse_lines(path, lines), versions=versions)


def _parse_precedents(
    path: Path, file: Iterable[str]
) -> tuple[list[PrecedentVersion], Iterator[tuple[int, str]]]:
    """Read the precedents, which come first, and number the lines behind."""
    versions: list[PrecedentVersion] = []
    lines = enumerate(file, start=1)
    for number, line in lines:
        if PRECEDENT_FORMAT not in line[:MAX_FORMAT_PLACE]:
            return versions, chain([(number, line)], lines)
        try:
            versions.append(version_from_plain(json.loads(line)))
        except (KeyError, TypeError, ValueError) as failure:
            raise BadRequest(f"{path}, line {number} is no precedent ({failure})") from None
    return versions, iter(())


def _parse_lines(path: Path, lines: Iterable[tuple[int, str]]) -> Iterator[RecordedCase]:
    for number, line in lines:
        if not line.strip():
            continue
        try:
            yield RecordedCase.from_plain(json.loads(line))
        except (KeyError, TypeError, ValueError, CountersignError) as failure:
            # Half a set of tests would pass where the whole would not.
            reason = f"{type(failure).__name__}: {failure}"
            raise BadRequest(f"{path}, line {number} is no recorded case ({reason})") from None


@contextlib.contextmanager
def saved_to(
    path: Path, versions: Sequence[PrecedentVersion] = ()
) -> Iterator[Callable[[RecordedCase], None]]:
    """Open a file for recorded cases, which begins with what memory held.

    It has personal data, as an export of the ledger has.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWN_FILE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:

        def write(plain: Mapping[str, Any]) -> None:
            line = json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
            file.write(f"{line}\n")

        for version in versions:
            write({"format": PRECEDENT_FORMAT, **version_to_plain(version)})
        yield lambda recorded_case: write(recorded_case.to_plain())


def open_library(settings: Settings, folder: Path | None) -> FileLibrary:
    """Load the library that judges today, by default that of the settings."""
    stage = Stage.SHADOW if settings.mode is Mode.SHADOW else None
    return load(folder or settings.library_dir, stage=stage)


@contextlib.contextmanager
def open_memory(
    settings: Settings, versions: Sequence[PrecedentVersion]
) -> Iterator[PastMemory | None]:
    """Open the memory of then; None without precedents.

    Its index is made for this run. A model elsewhere is asked for no vector of it.
    """
    if not versions:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        is_elsewhere = settings.embeddings not in BUILT_IN_EMBEDDERS
        embedders = open_embedders(WORDS if is_elsewhere else settings.embeddings)
        yield PastMemory(versions, embedders.precedents, Path(folder))


def build_replay(
    settings: Settings,
    library: FileLibrary,
    *,
    has_models: bool,
    memory: PastMemory | None = None,
    changed_lookups: Mapping[str, Sequence[str]] | None = None,
    ask: AskSystem | None = None,
) -> CaseReplay:
    """Build what looks at recorded cases with this library.

    ``ask`` makes look-ups today which nobody had made then, or otherwise.
    """
    lookups = changed_lookups or {}
    clock = FrozenClock()
    models = without_models(clock, memory)
    if has_models:
        models = open_models(
            settings,
            library,
            clock=clock,
            memory=NullMemory() if memory is None else memory,
        )

    def systems_of(trial: Trial, playbook: Playbook) -> RecordedSystems:
        return recorded_systems(
            library, trial, playbook, ask=ask, changed_names=lookups.get(playbook.kind, ())
        )

    return CaseReplay(
        library=library,
        recommender=models.recommender,
        recogniser=models.recogniser,
        systems_of=systems_of,
        clock=clock,
        mode=settings.mode.value,
        memory=memory,
        planner=AbsentPlanner() if settings.chat_model and settings.chat_plans == "on" else None,
        changed_lookups=lookups,
    )


@dataclass
class AbsentPlanner:
    """Counts the plans that a chat model would be asked for."""

    requests: int = 0

    def suggest(
        self, case: Case, facts: ScalarMapping, *, look_ups: Sequence[str], look_up: LookUp
    ) -> ActionOffer | None:
        """Count one plan that the model would be asked for."""
        self.requests += 1
        return None


def find_changed_lookups(
    folder: Path, rules: FileLibrary, kinds: Iterable[str]
) -> dict[str, tuple[str, ...]]:
    """Name by kind the look-ups that ask otherwise than in ``folder``.

    Their recorded answers are those to the earlier query.
    """
    in_use = {}
    for file in list_playbook_files(folder):
        with contextlib.suppress(PlaybookInvalid):
            playbook = read_playbook(file)
            in_use[playbook.kind] = {one.name: one for one in playbook.evidence}
    differences = {}
    for kind in kinds:
        earlier = in_use.get(kind, {})
        names = [
            one.name
            for one in rules.playbook(kind).evidence
            if one.name in earlier and _asks_otherwise(earlier[one.name], one)
        ]
        if names:
            differences[kind] = tuple(names)
    return differences


def _asks_otherwise(before: Lookup, now: Lookup) -> bool:
    return (before.query, before.system, before.parameters) != (
        now.query,
        now.system,
        now.parameters,
    )


def model_version(settings: Settings) -> str:
    """Return the version of the trained models; empty where there are none."""
    model = ModelFile(settings.data_dir / "memory").model
    return model.version if model else ""


@dataclass(kw_only=True)
class SystemsOfToday:
    """Makes look-ups in the real systems, and nothing else.

    A look-up is a transaction that can only read, or a request that a playbook may make. Of a
    connector no other verb is reached from here.
    """

    library: FileLibrary
    secrets: Secrets
    questions: int = 0
    _connectors: dict[str, Connector] = field(default_factory=dict)

    def look_up(
        self, system: str, query: str, parameters: ScalarMapping, limit: int
    ) -> list[dict[str, Scalar]]:
        """Ask a system as it is today.

        Raises:
            ConnectorFailed: it cannot be asked, or it is the desk itself.
        """
        self.questions += 1
        connector = self._connectors.get(system)
        if connector is None:
            specs = {name: one for name, one in self.library.systems.items() if name == system}
            try:
                connectors = build_connectors(
                    specs, secrets=self.secrets, chat=NullChat(), dry_run=True
                )
            except SettingsIncomplete as failure:
                raise ConnectorFailed(str(failure)) from None
            if system not in connectors:
                raise ConnectorFailed(NOT_RECORDED)
            connector = self._connectors[system] = connectors[system]
        return connector.look_up(query, parameters, limit)


def recorded_systems(
    library: FileLibrary,
    trial: Trial,
    playbook: Playbook,
    *,
    ask: AskSystem | None = None,
    changed_names: Sequence[str] = (),
) -> RecordedSystems:
    """Return the systems as they answered in a trial.

    With ``ask`` the look-ups of ``changed_names`` are made today.
    """
    lookups = playbook.evidence
    if ask:
        lookups = tuple(one for one in lookups if one.name not in changed_names)
    recommendation = trial.after.proposal.recommendation
    recording = Recording(
        evidence=trial.evidence,
        actions=trial.actions,
        alternatives=recommendation.alternatives if recommendation else (),
    )
    return RecordedSystems(
        # The desk is a system, too, and no file declares it.
        specs={**library.systems, DESK_SYSTEM: DESK_SPEC},
        recording=recording,
        lookups=lookups,
        ask=ask,
    )


def parse_since(text: str) -> datetime | None:
    """Read "30d" or a date; None for an empty text.

    Raises:
        BadRequest: it is neither.
    """
    if not text:
        return None
    if text.endswith("d") and text[:-1].isdecimal():
        return utc_now() - timedelta(days=int(text[:-1]))
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise BadRequest(f"--since must be days like 30d or a date, not {text!r}") from None
