"""A check of the library against the systems that it names.

Every query and statement is prepared on its database, in a transaction that only reads and is
rolled back. What the queries give is compared with what the files use.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.cases.errors import ConnectorFailed, SettingsIncomplete
from bot.cases.evidence import OWN_FACTS, SIGNAL
from bot.cases.expressions import placeholders
from bot.cases.finding import Finding, Severity
from bot.cases.playbook import Detection, Lookup, Playbook
from bot.cases.service_level import SINCE, UNTIL
from bot.clock import utc_now
from bot.connectors.http_system import HttpCall, HttpSystem
from bot.connectors.mcp_system import McpSystem
from bot.connectors.specs import ActionSpec, SystemSpec
from bot.connectors.sql import SqlAction, SqlSystem
from bot.connectors.sql_check import EXAMPLES, SqlCheck, UnusableUrl, unknown_name
from bot.connectors.sql_statements import value_names
from bot.desk.detection import detection_parameters
from knowledge.library import FileLibrary
from knowledge.library.complaints import nearest
from knowledge.library.fact_use import (
    check_facts,
    check_policy_facts,
    check_template,
    offers_with_ways,
)
from knowledge.library.places import LibraryFile, LibraryFiles, Way
from knowledge.library.systems import find_action

_NOW = "now"
_KEY = "key"
_DONE_KEY = "done_key"
_REQUIRED_COLUMNS = ("subject", "title")
#: What to do about the words of a database, or of the check of a statement.
_STATEMENT_HELP = (
    ("must be a SELECT", "Begin it with SELECT or WITH: a look-up reads, and changes nothing."),
    ("must be an INSERT", "Begin it with what it changes; a precondition and facts may SELECT."),
    ('near ";"', "Write one statement: what follows the semicolon is another."),
    ('near "DELETE"', "Write a SELECT: a look-up changes nothing."),
)
_TWO_SLASHES = re.compile(r"sqlite(\+\w+)?://[^/]")
#: The number of rows that every look-up tells beside its columns.
_ROWS = "rows"

Secrets = Callable[[str], str]


def check_systems(library: FileLibrary, files: LibraryFiles, secrets: Secrets) -> list[Finding]:
    """Return what does not fit between the files and the systems."""
    return _LibraryCheck(library=library, files=files, secrets=secrets).run()


@dataclass(frozen=True, kw_only=True)
class _LibraryCheck:
    library: FileLibrary
    files: LibraryFiles
    secrets: Secrets
    _checks: dict[str, SqlCheck] = field(default_factory=dict)
    _catalogues: dict[str, list[str]] = field(default_factory=dict)
    _findings: list[Finding] = field(default_factory=list)
    #: The columns of the precondition of each action; None where nobody could find out.
    _snapshots: dict[str, Collection[str] | None] = field(default_factory=dict)

    def run(self) -> list[Finding]:
        for name, system in self.library.systems.items():
            self._connect(name, system)
        for name, system in self.library.systems.items():
            for action_name, action in system.actions.items():
                self._check_action(f"{name}.{action_name}", system, action)
        columns_by_kind = {}
        for kind, playbook in self.library.playbooks.items():
            columns_by_kind[kind] = self._check_playbook(playbook)
            self._findings.extend(check_facts(playbook, columns_by_kind[kind], self.files))
        self._findings.extend(check_policy_facts(self.library.rules, columns_by_kind, self.files))
        self._check_record_checks()
        return self._findings

    # --- systems ----------------------------------------------------------------------------------

    def _connect(self, name: str, system: SystemSpec) -> None:
        """Reach a system, and keep a database for questions."""
        if not all(self.secrets(secret) for secret in system.secret_names()):
            return
        if not isinstance(system, SqlSystem):
            for problem in system.find_problems(self.secrets):
                self._report(self._systems_file, ("systems", name), problem)
            return
        read_url = self.secrets(system.read_url_env) if system.read_url_env else ""
        way: Way = ("systems", name, "url_env")
        try:
            check = SqlCheck(system, self.secrets(system.url_env), read_url)
            check.reach()
        except UnusableUrl as error:
            sentence = f"{system.url_env} is no address of a database: {error}"
            suggestion = "Begin it with sqlite:///, postgresql+psycopg:// or mysql://."
            self._report(self._systems_file, way, sentence, suggestion=suggestion)
        except SettingsIncomplete as refusal:
            self._report(self._systems_file, way, f"{name} cannot be reached: {refusal}")
        except ConnectorFailed as failure:
            sentence = f"{name} cannot be reached: {failure}"
            suggestion = f"Compare {system.url_env} with where the database is, and start it."
            if _TWO_SLASHES.match(self.secrets(system.url_env)):
                suggestion = "Write three slashes before a path, and four before one from the root."
            self._report(self._systems_file, way, sentence, suggestion=suggestion)
        else:
            self._checks[name] = check

    @property
    def _systems_file(self) -> LibraryFile:
        return self.files.root("systems.yml")

    def _check_action(self, name: str, system: SystemSpec, action: ActionSpec) -> None:
        """Check one action of a system, and keep what its precondition reads."""
        way: Way = ("systems", system.name, "actions", action.name)
        columns = self._snapshot_columns(name, system=system, action=action, way=way)
        self._snapshots[name] = columns
        if columns is None:
            return
        names = {*action.parameters, *columns}
        templates = {
            "target": action.target,
            "summary": action.summary,
            "preview": action.preview,
            "done": action.past_summary,
        }
        for part, template in templates.items():
            self._findings.extend(
                check_template(
                    template, file=self._systems_file, way=(*way, part), files=self.files
                )
            )
            for word in placeholders(template):
                if word not in names:
                    sentence = f"{name} has no parameter and reads no column {word}"
                    self._report(
                        self._systems_file,
                        (*way, part),
                        sentence,
                        word=word,
                        suggestion=nearest(word, names),
                    )
        if action.amount and action.amount not in names:
            self._report(
                self._systems_file,
                (*way, "amount"),
                f"the amount of {name} is {action.amount}, which is no parameter and no column of"
                " its precondition",
                suggestion=nearest(action.amount, names),
                word=action.amount,
            )

    def _snapshot_columns(
        self, name: str, *, system: SystemSpec, action: ActionSpec, way: Way
    ) -> Collection[str] | None:
        if isinstance(action, SqlAction):
            return self._check_statements(system.name, action, way)
        precondition = getattr(action, "precondition", None)
        return precondition.fields if precondition else ()

    def _check_statements(self, system: str, action: SqlAction, way: Way) -> Collection[str] | None:
        values = {name: EXAMPLES[kind] for name, kind in action.parameters.items()}
        self._check_parameters_in_use(system, action, way)
        columns = self._columns(
            system, action.precondition, values, file=self._systems_file, way=(*way, "precondition")
        )
        if columns is None:
            return None
        values |= {f"was_{name}": None for name in columns}
        with_key = {**values, _KEY: _KEY}
        undo_values = {**with_key, _DONE_KEY: _KEY}
        for part, query, extra in (
            ("verify", action.verify, values),
            ("facts", action.facts, with_key),
        ):
            if query:
                fact_columns = self._columns(
                    system, query, extra, file=self._systems_file, way=(*way, part)
                )
                if part == "facts" and fact_columns is not None:
                    self._check_returns(action, fact_columns, way)
        # Every statement may name the key of what it takes back, which only an undo has.
        for part, statement in (("statement", action.statement), ("undo", action.undo)):
            if statement:
                self._explain(system, statement, values=undo_values, way=(*way, part))
        return columns

    def _check_parameters_in_use(self, system: str, action: SqlAction, way: Way) -> None:
        """Hint at statements that are about the same rows, whatever is approved."""
        queries = {"precondition": action.precondition, "statement": action.statement}
        for part, query in queries.items():
            first = next(iter(action.parameters), "")
            if first and not {*value_names(query)} & {*action.parameters}:
                self._findings.append(
                    self.files.finding(
                        self._systems_file,
                        (*way, part),
                        f"the {part} of {system}.{action.name} names no parameter, so it is about"
                        " the same rows in every case",
                        suggestion=f"Say which row is meant, like WHERE id = :{first}.",
                        severity=Severity.HINT,
                    )
                )

    def _check_returns(self, action: SqlAction, columns: Collection[str], way: Way) -> None:
        for name in action.returns:
            if name not in columns:
                self._report(
                    self._systems_file,
                    (*way, "returns", name),
                    f"facts gives no column {name}, which {action.name} returns",
                    word=name,
                    suggestion=nearest(name, columns),
                )

    # --- playbooks --------------------------------------------------------------------------------

    def _check_playbook(self, playbook: Playbook) -> dict[str, Collection[str] | None]:
        """Check the queries of a playbook; return the columns of each look-up."""
        file = self.files.playbook(playbook.kind)
        columns: dict[str, Collection[str] | None] = {SIGNAL: None}
        if playbook.detection:
            columns[SIGNAL] = self._check_detection(playbook, playbook.detection, file)
        for number, lookup in enumerate(playbook.evidence):
            if lookup.name in columns:
                self._report(
                    file,
                    ("evidence", number, "name"),
                    f"another look-up is already called {lookup.name}",
                    suggestion="Call one of the two something else.",
                )
            columns[lookup.name] = self._check_lookup(lookup, file, ("evidence", number))
        self._check_denominator(playbook, file)
        self._check_observations(playbook, file)
        return columns

    def _check_detection(
        self, playbook: Playbook, detection: Detection, file: LibraryFile
    ) -> Collection[str] | None:
        columns = self._columns(
            detection.system, detection.query, _moment(), file=file, way=("signal", "query")
        )
        self._require(columns, _REQUIRED_COLUMNS, file=file, way=("signal", "query"))
        if detection.choices:
            choices = self._columns(
                detection.system, detection.choices, _moment(), file=file, way=("signal", "choices")
            )
            required = ("title", *playbook.required_facts)
            self._require(choices, required, file=file, way=("signal", "choices"))
        is_sent_too = any(
            playbook.kind in source.allowed_kinds for source in self.library.sources.values()
        )
        # What another sender tells of such a case is not in these files.
        return None if columns is None or is_sent_too else {*columns, *OWN_FACTS}

    def _require(
        self,
        columns: Collection[str] | None,
        required: Collection[str],
        *,
        file: LibraryFile,
        way: Way,
    ) -> None:
        for name in required:
            if columns is not None and name not in columns:
                near = [one for one in columns if one.lower() == name] or [
                    one for one in columns if nearest(name, [one])
                ]
                suggestion, word = f"Write AS {name} after what it is.", ""
                if near:
                    word = near[0]
                    suggestion = f"Write AS {name} after what it is: {word} is not read."
                self._report(
                    file, way, f"the query gives no column {name}", word=word, suggestion=suggestion
                )

    def _check_lookup(self, lookup: Lookup, file: LibraryFile, way: Way) -> Collection[str] | None:
        system = self.library.systems[lookup.system]
        if isinstance(system, HttpSystem | McpSystem):
            call = system.lookups.get(lookup.query)
            if call is None:
                self._report(
                    file,
                    (*way, "query"),
                    f"{lookup.system} has no look-up {lookup.query}",
                    suggestion=nearest(lookup.query, system.lookups),
                )
                return None
            if isinstance(call, HttpCall):
                self._check_path(lookup, call, file=file, way=way)
            return {*call.fields, _ROWS}
        values = dict.fromkeys(lookup.parameters) | _moment()
        columns = self._columns(lookup.system, lookup.query, values, file=file, way=(*way, "query"))
        return None if columns is None else {*columns, _ROWS}

    def _check_path(self, lookup: Lookup, call: HttpCall, *, file: LibraryFile, way: Way) -> None:
        for name in placeholders(call.path):
            if name not in lookup.parameters and name != _NOW:
                self._report(
                    file,
                    (*way, "parameters"),
                    f"the look-up {lookup.query} needs the parameter {name}",
                    suggestion=nearest(name, lookup.parameters),
                )

    def _check_denominator(self, playbook: Playbook, file: LibraryFile) -> None:
        denominator = playbook.measure.denominator
        if denominator.query:
            now = _moment()[_NOW]
            self._columns(
                denominator.system,
                denominator.query,
                {SINCE: now, UNTIL: now},
                file=file,
                way=("measure", "denominator", "query"),
            )

    def _check_observations(self, playbook: Playbook, file: LibraryFile) -> None:
        for way, offer in offers_with_ways(playbook):
            observation = offer.observation
            spec = find_action(self.library.systems, offer.action)
            snapshot = self._snapshots.get(offer.action)
            if observation is None or spec is None or snapshot is None:
                continue
            values: dict[str, Any] = {one: EXAMPLES[kind] for one, kind in spec.parameters.items()}
            values |= {f"was_{name}": None for name in snapshot}
            values |= {SINCE: _moment()[_NOW], **_moment()}
            place = (*way, "practice", "query")
            self._columns(observation.system, observation.query, values, file=file, way=place)

    def _check_record_checks(self) -> None:
        for name, source in self.library.sources.items():
            check = source.record_check
            if check:
                values = dict.fromkeys(check.parameters) | _moment()
                self._columns(
                    check.system,
                    check.query,
                    values,
                    file=self.files.root("sources.yml"),
                    way=("sources", name, "record_check", "query"),
                )

    # --- statements -------------------------------------------------------------------------------

    def _columns(
        self, system: str, query: str, values: Mapping[str, Any], *, file: LibraryFile, way: Way
    ) -> list[str] | None:
        """Return the columns of a query; None where nobody could find out."""
        check = self._checks.get(system)
        if check is None or not self._has_values(query, values, file=file, way=way):
            return None
        try:
            return check.columns(query, values)
        except ConnectorFailed as failure:
            self._report_refusal(system, failure, file=file, way=way)
            return None

    def _explain(self, system: str, statement: str, *, values: Mapping[str, Any], way: Way) -> None:
        check = self._checks.get(system)
        if check is None or not self._has_values(
            statement, values, file=self._systems_file, way=way
        ):
            return
        try:
            check.explain(statement, values)
        except ConnectorFailed as failure:
            self._report_refusal(system, failure, file=self._systems_file, way=way)

    def _has_values(
        self, query: str, values: Mapping[str, Any], *, file: LibraryFile, way: Way
    ) -> bool:
        missing = [name for name in value_names(query) if name not in values]
        for name in missing:
            self._report(
                file,
                way,
                f"nothing fills :{name} in this statement",
                word=name,
                suggestion=nearest(name, values) or _list_values(values),
            )
        return not missing

    def _report_refusal(
        self, system: str, failure: ConnectorFailed, *, file: LibraryFile, way: Way
    ) -> None:
        reason = str(failure)
        name = unknown_name(reason).rpartition(".")[2]
        if system not in self._catalogues:
            self._catalogues[system] = self._checks[system].catalogue()
        self._report(
            file,
            way,
            f"{system} does not take this: {reason}",
            word=name,
            suggestion=_suggest_name(name, reason, self._catalogues[system]),
        )

    def _report(
        self, file: LibraryFile, way: Way, sentence: str, *, word: str = "", suggestion: str = ""
    ) -> None:
        finding = self.files.finding(file, way, sentence, word=word, suggestion=suggestion)
        self._findings.append(finding)


def _suggest_name(name: str, reason: str, catalogue: Collection[str]) -> str:
    """Suggest what to write where a database refuses."""
    question = nearest(name, catalogue) if name else ""
    if question:
        return question
    for part, suggestion in _STATEMENT_HELP:
        if part in reason:
            return suggestion
    return "Try the statement in a client of your database, and correct it there."


def _moment() -> dict[str, Any]:
    return dict(detection_parameters(utc_now()))


def _list_values(values: Mapping[str, Any]) -> str:
    return f"There are {', '.join(f':{name}' for name in sorted(values))}." if values else ""
