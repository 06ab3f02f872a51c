"""``countersign test``: a changed playbook against examples and past cases."""

import contextlib
import json
import shutil
import tempfile
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, assert_never

import typer
from rich.progress import Progress

from bot.cases.canonical import to_plain
from bot.cases.errors import BadRequest, PlaybookInvalid
from bot.cases.evaluation import TrialComparison
from bot.cases.evaluation_summary import EvaluationSummary
from bot.cases.signal import UNRECOGNISED
from bot.cli.recorded_cases import (
    PLAYBOOKS,
    CaseSource,
    build_replay,
    find_changed_lookups,
    open_cases,
    open_file,
)
from bot.cli.recorded_cases import open_library as open_folder
from bot.cli.replay_report import (
    JUnitSuite,
    MarkdownTable,
    comparison_lines,
    comparison_plain,
    junit_file,
)
from bot.cli.terminal import AsJson, err, out
from bot.desk.case_replay import CaseReplay, RecordedCase
from bot.ports.recommender import Recogniser
from bot.settings import Settings, load_offline
from bot.store.past_cases import CaseSelection
from bot.views.labels import Labels
from knowledge.library import FileLibrary, copy_library, read_playbook

SUITE_NAME = "countersign test"


class Style(StrEnum):
    """The form of what is printed."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleResult:
    """The recognition of one example of a playbook.

    It is right where it is neither a mistake nor an abstention.
    """

    kind: str
    text: str
    #: The other kind that it was taken for, in words.
    mistake: str = ""
    #: Why no kind was recognised.
    abstention: str = ""

    @property
    def is_right(self) -> bool:
        """Tell whether the kind of the playbook was recognised."""
        return not self.mistake and not self.abstention


@dataclass(kw_only=True)
class KindResult:
    """The result for one kind: examples, and the figures of its cases."""

    kind: str
    title: str
    examples: list[ExampleResult] = field(default_factory=list)
    summary: EvaluationSummary = field(default_factory=EvaluationSummary)
    cases: int = 0

    @property
    def failures(self) -> int:
        """Count what must not be merged."""
        mistake_count = sum(bool(example.mistake) for example in self.examples)
        return mistake_count + self.summary.regressions

    def sentences(self) -> list[str]:
        """Say the result in words."""
        lines = []
        if self.examples:
            right = sum(example.is_right for example in self.examples)
            lines.append(f"{right} of {len(self.examples)} examples are recognised.")
        sentences = self.summary.unknown_sentences(lambda _: "This kind")
        return [*lines, f"Cases: {self.cases}.", *self.summary.sentences(), *sentences]

    def to_plain(self) -> dict[str, Any]:
        """Convert to JSON types."""
        return {
            "kind": self.kind,
            "cases": self.cases,
            "examples": [to_plain(example) for example in self.examples],
            **self.summary.to_plain(),
        }


@dataclass(kw_only=True)
class PlaybookTest:
    """One run over some kinds, with everything that it writes."""

    library: FileLibrary
    replay: CaseReplay
    suite: JUnitSuite | None
    style: Style
    results: list[KindResult] = field(default_factory=list)

    @property
    def labels(self) -> Labels:
        return self.library.labels()

    def run(self, kind: str, source: CaseSource) -> None:
        """Test one kind."""
        playbook = self.library.playbook(kind)
        result = KindResult(kind=kind, title=playbook.title)
        result.examples = list(check_examples(self.replay.recogniser, kind, playbook.examples))
        for example in result.examples:
            self._report_example(example)
        table = MarkdownTable(self.labels)
        with Progress(console=err, transient=True, disable=not err.is_terminal) as progress:
            task = progress.add_task(playbook.title, total=source.total)
            for recorded_case in source.cases:
                progress.advance(task)
                result.cases += 1
                comparisons = self.replay.compare(recorded_case, source.usage_before)
                self._report(comparisons, result, table)
        self.results.append(result)
        self._finish(result, table)

    def _report(
        self, comparisons: Sequence[TrialComparison], result: KindResult, table: MarkdownTable
    ) -> None:
        for comparison in comparisons:
            result.summary.add(comparison)
            table.add(comparison)
            if self.suite:
                self.suite.add_comparison(comparison, self.labels)
            if self.style is Style.JSON:
                print(json.dumps(comparison_plain(comparison), ensure_ascii=False), flush=True)
            elif self.style is Style.TEXT and comparison.differences:
                for line in comparison_lines(comparison, self.labels):
                    out.print(line, markup=False, soft_wrap=True)

    def _report_example(self, example: ExampleResult) -> None:
        if self.suite:
            self.suite.add(
                example.kind,
                f"example: {example.text}",
                failure=example.mistake,
                skip_reason=example.abstention,
            )
        if self.style is Style.TEXT and example.mistake:
            out.print(f"“{example.text}”: {example.mistake}", markup=False, soft_wrap=True)

    def _finish(self, result: KindResult, table: MarkdownTable) -> None:
        match self.style:
            case Style.JSON:
                print(json.dumps({"summary": result.to_plain()}, ensure_ascii=False), flush=True)
            case Style.MARKDOWN:
                print("\n".join(table.lines(result.title, result.sentences())))
            case Style.TEXT:
                text = f"{result.title}: {' '.join(result.sentences())}"
                out.print(text, markup=False, soft_wrap=True)
            case _:
                assert_never(self.style)


def check_examples(
    recogniser: Recogniser, kind: str, examples: Sequence[str]
) -> Iterator[ExampleResult]:
    """Say for each example whether its kind is recognised."""
    for text in examples:
        recognition = recogniser.recognise(text)
        if recognition.kind == kind:
            yield ExampleResult(kind=kind, text=text)
        elif recognition.abstains:
            yield ExampleResult(kind=kind, text=text, abstention=recognition.basis)
        else:
            titles = [guess.title for guess in recognition.guesses] or [recognition.kind]
            yield ExampleResult(kind=kind, text=text, mistake=f"taken for “{titles[0]}”")


def run_tests(
    playbooks: Annotated[
        list[Path] | None,
        typer.Argument(help="The changed playbooks; none for all of the library."),
    ] = None,
    library: Annotated[
        Path | None, typer.Option(help="Folder of the library that they belong to.")
    ] = None,
    last: Annotated[int, typer.Option(help="Number of past cases of each kind.", min=0)] = 400,
    source_file: Annotated[
        Path | None, typer.Option("--from", help="Play the cases of this file, no database.")
    ] = None,
    models: Annotated[
        bool, typer.Option(help="Use the trained models; without them playbooks alone recommend.")
    ] = True,
    junit: Annotated[Path | None, typer.Option(help="Write the result as JUnit.")] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print a table that a pull request can show.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    settings = load_offline()
    files = playbooks or []
    with ExitStack() as stack:
        folder = library or _own_folder(files) or settings.library_dir
        rules = stack.enter_context(changed_library(settings, folder, files))
        kinds = [read_playbook(file).kind for file in files]
        differences = find_changed_lookups(settings.library_dir, rules, kinds)
        for note in changed_lookups(differences):
            err.print(f"Note: {note}", markup=False, soft_wrap=True)
        run = PlaybookTest(
            library=rules,
            replay=build_replay(settings, rules, has_models=models, changed_lookups=differences),
            suite=stack.enter_context(junit_file(junit, SUITE_NAME)) if junit else None,
            style=_style(is_markdown=markdown, is_json=as_json),
        )
        for kind in kinds or [kind for kind in rules.playbooks if kind != UNRECOGNISED]:
            cases = _cases_of(settings, rules, kind=kind, last=last, source_file=source_file)
            with cases as source:
                run.run(kind, source)
    raise typer.Exit(1 if any(result.failures for result in run.results) else 0)


def _style(*, is_markdown: bool, is_json: bool) -> Style:
    if is_json:
        return Style.JSON
    return Style.MARKDOWN if is_markdown else Style.TEXT


@contextlib.contextmanager
def _cases_of(
    settings: Settings,
    rules: FileLibrary,
    *,
    kind: str,
    last: int,
    source_file: Path | None,
) -> Iterator[CaseSource]:
    """Open the last cases of a kind."""
    if source_file is None:
        with open_cases(
            settings, CaseSelection(kinds=(kind,), limit=last), rules.policy().windows
        ) as source:
            yield source
        return
    with open_file(source_file) as source:
        latest = deque(
            (recorded_case for recorded_case in source.cases if _is_of(recorded_case, kind)),
            maxlen=last,
        )
        yield CaseSource(total=len(latest), cases=iter(latest))


def _is_of(recorded_case: RecordedCase, kind: str) -> bool:
    return bool(recorded_case.trials) and recorded_case.trials[-1].after.kind == kind


@contextlib.contextmanager
def changed_library(
    settings: Settings, folder: Path, files: Sequence[Path]
) -> Iterator[FileLibrary]:
    """Load a library with these playbooks in place of others.

    Raises:
        BadRequest: one of the files is missing.
        PlaybookInvalid: the files do not fit together.
    """
    for file in files:
        if not file.is_file():
            raise BadRequest(f"{file}: file not found")
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        copy_library(folder, copy)
        for file in files:
            _replace_playbook(copy / PLAYBOOKS, file)
        yield open_folder(settings, copy)


def _own_folder(files: Sequence[Path]) -> Path | None:
    """Find the library that the first file lies in.

    A pack is no library of its own.
    """
    for file in files:
        folder = file.resolve().parent
        is_pack = (folder.parent / "pack.yml").is_file()
        if folder.name == PLAYBOOKS and (folder.parent / "policy.yml").is_file() and not is_pack:
            return folder.parent
    return None


def _replace_playbook(folder: Path, file: Path) -> None:
    kind = read_playbook(file).kind
    for other in folder.glob("*.yml"):
        # A broken playbook beside it is complained of when all are loaded.
        with contextlib.suppress(PlaybookInvalid):
            if read_playbook(other).kind == kind:
                other.unlink()
    shutil.copy(file, folder / file.name)


def changed_lookups(differences: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Say which changed look-ups are not asked again."""
    for names in differences.values():
        for name in names:
            yield (
                f"the look-up “{name}” has another query now, and is not asked again: "
                "its recorded answers are those to the earlier one"
            )
