"""``countersign replay``: look at past cases again with the rules of today."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from bot.cases.errors import BadRequest, Refusal
from bot.cases.evaluation import TrialComparison
from bot.cases.evaluation_summary import EvaluationSummary
from bot.cli.case_trail import print_trail
from bot.cli.recorded_cases import (
    AbsentPlanner,
    CaseSource,
    SystemsOfToday,
    build_replay,
    find_changed_lookups,
    model_version,
    open_cases,
    open_file,
    open_library,
    open_memory,
    parse_since,
    saved_to,
)
from bot.cli.replay_report import (
    JUnitSuite,
    comparison_lines,
    comparison_plain,
    expectation_text,
    junit_file,
    recommendation_lines,
)
from bot.cli.terminal import AsJson, err, out
from bot.clock import monotonic
from bot.desk.case_replay import CaseReplay, RecordedCase
from bot.settings import Settings, load_offline
from bot.store.past_cases import CaseSelection
from bot.views.labels import Labels
from knowledge.library import FileLibrary
from knowledge.memory.past_memory import PastMemory

EVALUATION = "evaluation"
SUITE_NAME = "countersign replay"
LEARNED = (
    "The trained models ranked the plans and recognised the kinds; they have learned from these "
    "cases, too. With --no-models the playbooks alone are asked."
)


@dataclass(kw_only=True)
class ReplayRun:
    """One run over many cases, and what came of it."""

    replay: CaseReplay
    labels: Labels
    as_json: bool
    #: None where no system is asked.
    systems_of_today: SystemsOfToday | None = None
    #: None where nothing is recalled.
    memory: PastMemory | None = None
    #: Only cases of the evaluation set.
    is_evaluation: bool = False
    #: Empty where no trained models are asked.
    model_version: str = ""
    summary: EvaluationSummary = field(default_factory=EvaluationSummary)
    cases: int = 0

    def comparisons(
        self, source: CaseSource
    ) -> Iterator[tuple[RecordedCase, list[TrialComparison]]]:
        """Play the cases one by one, under a progress bar."""
        with Progress(console=err, transient=True, disable=not err.is_terminal) as progress:
            task = progress.add_task("Playing cases", total=source.total)
            for recorded_case in source.cases:
                progress.advance(task)
                if self.is_evaluation and not recorded_case.reasons:
                    continue
                self.cases += 1
                comparisons = self.replay.compare(recorded_case, source.usage_before)
                for comparison in comparisons:
                    self.summary.add(comparison)
                yield recorded_case, comparisons

    def print(self, comparison: TrialComparison) -> None:
        """Print one comparison: for programs always, for people where it differs."""
        if self.as_json:
            print(json.dumps(comparison_plain(comparison), ensure_ascii=False), flush=True)
        elif comparison.differences:
            for line in comparison_lines(comparison, self.labels):
                out.print(line, markup=False, soft_wrap=True)

    def finish(self, source: CaseSource, seconds: float) -> None:
        """Print the figures, and exit with status 1 on a regression."""
        today = self.systems_of_today
        figures = {
            **self.summary.to_plain(),
            "cases": self.cases,
            "unreadable": len(source.unreadable),
            "seconds": round(seconds, 2),
            "models": self.model_version,
            **self._searches(),
            "questions_today": today.questions if today else 0,
            # A replay asks no language model, neither to word a case nor to suggest a plan.
            "model_calls": 0,
            "model_tokens": 0,
            "model_would_be_asked": self._plans_of_a_model(),
        }
        if self.as_json:
            print(json.dumps({"summary": figures}), flush=True)
        else:
            self._print_figures(source, seconds)
        raise typer.Exit(1 if self.summary.regressions else 0)

    def _searches(self) -> dict[str, int]:
        """Count the searches of memory, and what they have found."""
        if self.memory is None:
            return {"recalls": 0, "precedents": 0}
        return {"recalls": self.memory.recalls, "precedents": self.memory.finds}

    def _print_figures(self, source: CaseSource, seconds: float) -> None:
        for reason in source.unreadable:
            out.print(f"Not played: {reason}", markup=False)
        for sentence in self.summary.sentences():
            out.print(sentence, markup=False)
        if self.model_version:
            out.print(LEARNED, markup=False, soft_wrap=True)
        for sentence in self.summary.unknown_sentences(self.labels.kind):
            out.print(sentence, markup=False, soft_wrap=True)
        for sentence in self._costs(seconds):
            out.print(sentence, markup=False, soft_wrap=True)

    def _costs(self, seconds: float) -> Iterator[str]:
        """Say what it took: look-ups, recalls, models and time."""
        if self.memory:
            yield (
                f"Memory of then: {self.memory.recalls:,} searches among {self.memory.size:,} "
                f"precedents found {self.memory.finds:,}."
            )
        requests = self._plans_of_a_model()
        if requests:
            yield f"For {requests} trials a chat model would be asked for a plan; none was asked."
        rate = self.cases / seconds if seconds else 0
        yield (
            f"Cases: {self.cases}, in {seconds:.1f} s ({rate:.0f} a second). "
            f"{self.summary.lookups:,} look-ups were answered from the record. "
            f"No chat model was asked. {self._outside()}"
        )

    def _outside(self) -> str:
        """Say whether outside systems were asked."""
        today = self.systems_of_today
        if today is None:
            return "No outside system was asked."
        return (
            f"Systems were asked {today.questions:,} times, read-only: the answers of today are "
            "not those of then."
        )

    def _plans_of_a_model(self) -> int:
        """Count the plans that a chat model would be asked for."""
        planner = self.replay.planner
        return planner.requests if isinstance(planner, AbsentPlanner) else 0


def replay(  # noqa: PLR0913 (one argument for each option)
    case: Annotated[
        str, typer.Option(help="Show one case step by step, as it was seen, like EX-12.")
    ] = "",
    since: Annotated[
        str, typer.Option(help="Only cases opened since then: days like 30d, or a date.")
    ] = "",
    memory: Annotated[
        bool, typer.Option(help="Recall what memory held before; without it nothing is recalled.")
    ] = True,
    set_name: Annotated[
        str,
        typer.Option("--set", help="evaluation: only cases that people corrected."),
    ] = "",
    library: Annotated[
        Path | None, typer.Option(help="Folder of the library to play them with.")
    ] = None,
    models: Annotated[
        bool, typer.Option(help="Use the trained models; without them playbooks alone recommend.")
    ] = True,
    save: Annotated[
        Path | None, typer.Option(help="Also write the cases to this file (JSON lines).")
    ] = None,
    ask_systems: Annotated[
        bool,
        typer.Option(help="Make look-ups that are new or ask otherwise in the systems of today."),
    ] = False,
    source_file: Annotated[
        Path | None, typer.Option("--from", help="Play the cases of this file, no database.")
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="Write the result as JUnit.")] = None,
    as_json: AsJson = False,
) -> None:
    if set_name not in {"", EVALUATION}:
        raise BadRequest(f"--set must be {EVALUATION}, not {set_name!r}")
    settings = load_offline()
    rules = open_library(settings, library)
    started_at = monotonic()
    with ExitStack() as stack:
        if source_file:
            source = stack.enter_context(open_file(source_file))
            source.cases = _only(source.cases, case)
        else:
            selection, windows = _selection(case, since), rules.policy().windows
            cases = open_cases(settings, selection, windows, has_memory=memory)
            source = stack.enter_context(cases)
        versions = source.versions if memory else ()
        past_memory = stack.enter_context(open_memory(settings, versions))
        today = SystemsOfToday(library=rules, secrets=settings.secret) if ask_systems else None
        run = ReplayRun(
            replay=_build_replay(settings, rules, past_memory, today, has_models=models),
            systems_of_today=today,
            memory=past_memory,
            labels=rules.labels(),
            as_json=as_json,
            is_evaluation=bool(set_name),
            model_version=model_version(settings) if models else "",
        )
        suite = stack.enter_context(junit_file(junit, SUITE_NAME)) if junit else None
        keep = stack.enter_context(saved_to(save, versions)) if save else None
        for recorded_case, comparisons in run.comparisons(source):
            if keep:
                keep(recorded_case)
            if case and not as_json:
                print_trail(recorded_case.entries, run.labels, source.stored_case(case))
                _print_decisions(recorded_case, comparisons, run.labels)
            _report(run, comparisons, suite)
        seconds = monotonic() - started_at
    if case and not run.cases:
        raise Refusal(f"{case} is not among the cases here")
    run.finish(source, seconds)


def _build_replay(
    settings: Settings,
    rules: FileLibrary,
    memory: PastMemory | None,
    today: SystemsOfToday | None,
    *,
    has_models: bool,
) -> CaseReplay:
    return build_replay(
        settings,
        rules,
        has_models=has_models,
        memory=memory,
        changed_lookups=find_changed_lookups(settings.library_dir, rules, rules.playbooks),
        ask=today.look_up if today else None,
    )


def _selection(case_id: str, since: str) -> CaseSelection:
    ids = (case_id,) if case_id else ()
    return CaseSelection(since=parse_since(since), ids=ids)


def _only(cases: Iterator[RecordedCase], case_id: str) -> Iterator[RecordedCase]:
    return (recorded_case for recorded_case in cases if not case_id or recorded_case.id == case_id)


def _report(run: ReplayRun, comparisons: list[TrialComparison], suite: JUnitSuite | None) -> None:
    for comparison in comparisons:
        run.print(comparison)
        if suite:
            suite.add_comparison(comparison, run.labels)


def _print_decisions(
    recorded_case: RecordedCase, comparisons: list[TrialComparison], labels: Labels
) -> None:
    """Print what people decided, and whether the desk would say the same."""
    reasons = ", ".join(reason.value for reason in recorded_case.reasons)
    out.print(f"\nFor evaluation: {reasons or 'no'}", markup=False)
    for comparison in comparisons:
        expected = expectation_text(comparison.expected, labels) or "decided nothing"
        verb = "differs" if comparison.differences else "is the same"
        out.print(f"Look {comparison.trial}: people {expected}.", markup=False, soft_wrap=True)
        out.print(f"What the desk would say today {verb}.", markup=False)
        for line in recommendation_lines(comparison):
            out.print(line, markup=False, soft_wrap=True)
    out.print()
