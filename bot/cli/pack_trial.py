"""A trial of a pack: its playbooks on its own company.

The company exists for the trial only.
"""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bot import storage
from bot.advisors import without_memory
from bot.cases.canonical import Scalar
from bot.cases.case import Case
from bot.cases.errors import (
    BadRequest,
    ConnectorFailed,
    CountersignError,
    SystemRefused,
)
from bot.cases.expressions import find_scalar
from bot.cases.finding import Finding
from bot.cases.plan import Action, Cause, Plan
from bot.cases.playbook import Detection, Playbook
from bot.cases.signal import Signal
from bot.cli.pack_company import write_company
from bot.cli.try_signals import parse_signal
from bot.clock import utc_now
from bot.connectors.registry import build_connectors
from bot.desk.detection import detection_parameters
from bot.desk.evidence import NOTHING_FOUND
from bot.desk.null_chat import NullChat
from bot.desk.operation_report import count_denominator
from bot.desk.preview import Preview
from bot.desk.proposal import Proposals
from bot.measures.totals import ReportPeriod
from bot.ports.connector import Connector, Effect, EffectStatus
from bot.settings import load
from bot.triage import build_triage
from knowledge.library.packs import COMPANY_FILE, EXPECTATIONS_FILE, Pack
from knowledge.memory.row_file import BadRow, read_rows
from scheduler.detectors import signal_from_row

MAX_ROWS = 500
DENOMINATOR_PERIOD = timedelta(days=30)
#: What examples write for the day of the trial.
TODAY = "{today}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialCase:
    """A case that the playbooks of the pack would open."""

    kind: str
    subject: str
    case: Case

    @property
    def actions(self) -> tuple[str, ...]:
        """List the actions of its plan, or nothing."""
        plan = self.case.proposal.plan
        return tuple(action.name for action in plan.actions) if plan else ()


@dataclass(kw_only=True)
class PackTrial:
    """The open trial of one pack."""

    pack: Pack
    #: The file of the company, and a folder for copies of it.
    company: Path
    folder: Path
    systems: Mapping[str, Connector]
    preview: Preview
    now: datetime
    cases: list[TrialCase] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def run(self) -> None:
        """Let every playbook look at the company, and read every example."""
        for playbook in self.pack.library.playbooks.values():
            if playbook.detection:
                self._detect(playbook, playbook.detection)
            self._run_other_queries(playbook)
        for path in self.pack.examples:
            for line, row in read_rows(path):
                self._preview_example(f"examples/{path.name}", line, row)

    def _detect(self, playbook: Playbook, detection: Detection) -> None:
        rows = self._query(playbook, "signal.query", detection.query)
        for row in rows:
            signal = signal_from_row(
                playbook=playbook, detection=detection, row=row, count_episodes=lambda _: 0
            )
            self._open(signal)

    def _open(self, signal: Signal) -> None:
        case = self.preview.preview_signal(signal)
        self.cases.append(TrialCase(kind=signal.kind, subject=signal.subject, case=case))
        for name, failure in _failed_lookups(case):
            sentence = f"{signal.subject}: the look-up {name} fails: {failure}"
            self.findings.append(Finding(sentence=sentence, file=_file_of(signal.kind)))

    def _run_other_queries(self, playbook: Playbook) -> None:
        """Run what is asked for lists and reports, which no card shows."""
        detection, denominator = playbook.detection, playbook.measure.denominator
        if detection and detection.choices:
            rows = self._query(playbook, "signal.choices", detection.choices)
            missing = {"title", *playbook.required_facts} - set(rows[0] if rows else ())
            if missing:
                names = ", ".join(sorted(missing))
                sentence = f"signal.choices finds no row with {names}"
                self.findings.append(Finding(sentence=sentence, file=_file_of(playbook.kind)))
        if denominator.query:
            period = ReportPeriod(self.now - DENOMINATOR_PERIOD, self.now)
            try:
                count_denominator(denominator, period, self.systems[denominator.system])
            except CountersignError as failure:
                sentence = f"measure.denominator.query: {failure}"
                self.findings.append(Finding(sentence=sentence, file=_file_of(playbook.kind)))

    def _query(self, playbook: Playbook, place: str, query: str) -> list[dict[str, Scalar]]:
        """Ask the system of the playbook's signal."""
        if playbook.detection is None:
            return []
        system = self.systems[playbook.detection.system]
        try:
            return system.look_up(query, detection_parameters(self.now), MAX_ROWS)
        except ConnectorFailed as failure:
            sentence = f"{place}: {failure}"
            self.findings.append(Finding(sentence=sentence, file=_file_of(playbook.kind)))
            return []

    def _preview_example(self, file: str, line: int, row: Mapping[str, Any] | BadRow) -> None:
        try:
            if isinstance(row, BadRow):
                raise BadRequest(row.reason)
            signal = parse_signal(self._with_days(row), line)
            playbook = self.pack.library.playbooks.get(signal.kind)
            if playbook is None:
                raise BadRequest(f"there is no playbook for {signal.kind}")
        except BadRequest as refusal:
            self.findings.append(Finding(sentence=str(refusal), file=file, line=line))
            return
        if playbook.detection is None:
            self._open(signal)
        elif self.preview.preview_signal(signal).proposal.plan is None:
            sentence = f"{signal.subject}: its example leads to no plan"
            self.findings.append(Finding(sentence=sentence, file=file, line=line))

    def _with_days(self, row: Mapping[str, Any]) -> dict[str, Any]:
        facts = {
            name: f"{self.now:%Y-%m-%d}" if value == TODAY else value
            for name, value in (row.get("facts") or {}).items()
        }
        return {**row, "facts": facts}

    def compare(self) -> None:
        """Compare what was found with what the pack expects."""
        for kind, expectation in self.pack.expectations.items():
            cases = {case.subject: case for case in self.cases if case.kind == kind}
            for subject in sorted(expectation.plans.keys() - cases.keys()):
                self._disappoint(f"{kind} does not find {subject}")
            for subject in sorted(cases.keys() - expectation.plans.keys()):
                reason = expectation.absent.get(subject)
                but = ", which nobody expects"
                if reason:
                    but = f", although {reason}"
                self._disappoint(f"{kind} finds {subject}{but}")
            for subject in cases.keys() & expectation.plans.keys():
                expected, actual = expectation.plans[subject], cases[subject].actions
                if tuple(expected) != actual:
                    self._disappoint(
                        f"{kind} plans {_words(actual)} for {subject}, not {_words(expected)}"
                    )

    def _disappoint(self, sentence: str) -> None:
        self.findings.append(Finding(sentence=sentence, file=EXPECTATIONS_FILE))

    def carry_out(self) -> None:
        """Carry out every plan on a copy of the company.

        What can be taken back is taken back afterwards.
        """
        for number, trial_case in enumerate(self.cases):
            plan = trial_case.case.proposal.plan
            if plan is None:
                continue
            copy = self.folder / f"company-{number}.db"
            shutil.copy(self.company, copy)
            try:
                PlanTrial(plan=plan, systems=connect_company(self.pack, copy)).run()
            except CountersignError as failure:
                sentence = f"the plan for {trial_case.subject} fails: {failure}"
                self.findings.append(Finding(sentence=sentence, file=_file_of(trial_case.kind)))


@dataclass(kw_only=True)
class PlanTrial:
    """One plan on a copy of the company."""

    plan: Plan
    systems: Mapping[str, Connector]
    #: What steps have told, as conditions of later ones name it.
    facts: dict[str, Any] = field(default_factory=dict)
    #: The steps that were done, with their keys.
    effects: list[tuple[Action, str]] = field(default_factory=list)

    def run(self) -> None:
        """Carry out the steps, look for the effects, and take them back.

        Raises:
            CountersignError: a step fails, or its undo leaves something behind.
        """
        has_refusal = False
        for number, action in enumerate(self.plan.actions):
            is_alternative = self._is_alternative(number)
            if is_alternative is has_refusal:
                has_refusal |= self._carry_out(number, self._complete(number, action))
        for action, key in reversed(self.effects):
            if action.reversible:
                self._undo(action, key)

    def _is_alternative(self, number: int) -> bool:
        """Tell whether a step is for a refusal of the one before."""
        branches = self.plan.branches
        return bool(branches) and branches[number].cause is Cause.REFUSED

    def _complete(self, number: int, action: Action) -> Action:
        """Fill in what earlier steps have told."""
        inputs = self.plan.branches[number].inputs if self.plan.branches else {}
        values = {name: find_scalar(item.fact, self.facts) for name, item in inputs.items()}
        return replace(action, parameters={**action.parameters, **values})

    def _carry_out(self, number: int, action: Action) -> bool:
        """Carry out one step; tell whether its system refused."""
        key = f"trial:{self.plan.plan_hash}:{number}"
        system = self.systems[action.system]
        try:
            effect = system.execute(action, key)
        except SystemRefused:
            if not self.plan.branches:
                raise
            return True
        if system.verify(action, key) is not EffectStatus.LANDED:
            raise ConnectorFailed(f"{action.name} was done, and its effect is not found")
        if isinstance(effect, Effect) and self.plan.branches:
            self.facts[self.plan.branches[number].name] = dict(effect.facts)
        self.effects.append((action, key))
        return False

    def _undo(self, action: Action, key: str) -> None:
        system = self.systems[action.system]
        system.undo(action, key, f"undo:{key}")
        after = system.precondition(action)
        if dict(after) != dict(action.precondition):
            raise ConnectorFailed(f"the undo of {action.name} leaves something behind")


def _failed_lookups(case: Case) -> Iterator[tuple[str, str]]:
    for item in case.assessment.evidence:
        # A look-up that finds no row has answered: the playbook says what follows.
        if item.failure and item.failure != NOTHING_FOUND:
            yield item.name, item.failure


def _file_of(kind: str) -> str:
    return f"playbooks/{kind}.yml"


def _words(actions: Sequence[str]) -> str:
    return ", ".join(actions) or "nothing"


def connect_company(pack: Pack, company: Path) -> dict[str, Connector]:
    """Connect every system to one file, and messages to nobody."""
    return build_connectors(
        {name: system for name, system in pack.library.systems.items() if _can_be_tried(system)},
        secrets=lambda _: f"sqlite:///{company}",
        chat=NullChat(),
        dry_run=False,
    )


def _can_be_tried(system: Any) -> bool:
    # Any other one would be reached over the network.
    return system.connector in ("sql", "message")


@contextlib.contextmanager
def open_trial(pack: Pack) -> Iterator[PackTrial]:
    """Make the company of a pack, and what looks at it.

    Both are gone afterwards.

    Raises:
        BadRequest: the company cannot be made.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        company = folder / "company.db"
        try:
            write_company(pack.company, company)
        except BadRequest as refusal:
            raise BadRequest(f"{COMPANY_FILE}: {refusal}") from None
        settings = load(
            {
                "SLACK_BOT_TOKEN": "xoxb-none",
                "SLACK_APP_TOKEN": "xapp-none",
                "COUNTERSIGN_DATA_DIR": str(folder / "data"),
            }
        )
        store = storage.open_store(settings)
        with closing(store.database):
            systems = connect_company(pack, company)
            proposals = Proposals(
                cases=store.cases,
                desk_controls=store.desk_controls,
                library=pack.library,
                systems=systems,
                mode=settings.mode.value,
                is_by_files=True,
            )
            advisors = without_memory(store.precedents, utc_now)
            triage = build_triage(proposals, store.outbox, advisors=advisors, clock=utc_now)
            yield PackTrial(
                pack=pack,
                company=company,
                folder=folder,
                systems=systems,
                preview=Preview(triage, pack.library, utc_now),
                now=utc_now(),
            )
