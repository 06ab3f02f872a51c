"""``countersign memory``: rebuild, train, status and review."""

import contextlib
import os
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from typing import Annotated, Any

import typer
from rich.progress import Progress
from rich.table import Table

from bot import wiring
from bot.advisors import Knowledge, open_knowledge
from bot.cases.canonical import to_plain
from bot.cases.case import Case
from bot.cases.errors import MemoryUnavailable
from bot.cases.lifecycle import TERMINAL
from bot.cases.signal import UNRECOGNISED
from bot.cli.shutdown import exit_with_parent
from bot.cli.terminal import AsJson, err, out, print_json
from bot.clock import utc_now
from bot.preflight import open_library
from bot.settings import Settings, load_offline
from knowledge.learning.model_file import save_model
from knowledge.learning.training import train_models, training_lock
from knowledge.learning.training_set import gather_training_set

#: Training leaves the processor to whoever else wants it.
TRAINING_NICENESS = 10
STATUS_COLUMNS = ("kind", "precedents", "right so far", "promise")
REVIEW_COLUMNS = ("case", "state", "at stake", "it says", "best guesses")


@contextlib.contextmanager
def opened_knowledge(settings: Settings) -> Iterator[Knowledge]:
    """Open precedents and models for one command.

    The index is not filled yet.
    """
    store = wiring.open_store(settings)
    library = open_library(settings)
    with closing(store.database):
        knowledge = open_knowledge(settings=settings, store=store, library=library, clock=utc_now)
        with closing(knowledge.precedents):
            yield knowledge


def fill_index(knowledge: Knowledge) -> str:
    """Take stored precedents into the index.

    Return why that is impossible; empty if it was done.
    """
    knowledge.precedents.open()
    try:
        knowledge.precedents.catch_up()
    except MemoryUnavailable as failure:
        return str(failure)
    return ""


def rebuild(as_json: AsJson = False) -> None:
    with (
        opened_knowledge(load_offline()) as knowledge,
        Progress(console=err, transient=True) as progress,
    ):
        task = progress.add_task("Reading the ledger", total=None)
        # The ledger first: the index is made from what is stored of it.
        cases = sum(count for count, _ in knowledge.shelf.rebuild())
        total = knowledge.shelf.count()
        progress.update(task, description="Embedding", total=total, completed=0)
        index_size = knowledge.precedents.rebuild(partial(progress.advance, task))
        progress.update(task, description="Learning", total=None)
        _train(knowledge)
    if as_json:
        print_json({"cases": cases, "precedents": total, "indexed": index_size})
        return
    out.print(f"{cases} cases read, {total} precedents, {index_size} in the index.", markup=False)


def train(
    as_json: AsJson = False,
    is_attached: Annotated[
        bool,
        typer.Option(
            "--attached", hidden=True, help="End when standard input does; as the bot starts it."
        ),
    ] = False,
) -> None:
    if is_attached:
        # The bot holds the other end of standard input, also when it is killed.
        exit_with_parent()
    os.nice(TRAINING_NICENESS)
    with opened_knowledge(load_offline()) as knowledge:
        try:
            summary = _train(knowledge)
        except MemoryUnavailable:
            if not is_attached:
                raise
            # Another training is under way already, and its result is read by every process.
            return
    if as_json:
        print_json(summary)
        return
    examples = f"{summary['examples']} examples of {summary['kinds']} kinds"
    plans = summary["plans"] or "none"
    out.print(f"Version {summary['version']}: {examples}; plans of {plans}.", markup=False)


def _train(knowledge: Knowledge) -> dict[str, Any]:
    """Train and save the models. Return figures for ``--json``."""
    playbooks = knowledge.library.playbooks
    with training_lock(knowledge.folder):
        training_set = gather_training_set(knowledge.shelf, playbooks, knowledge.embedder)
        model = train_models(training_set, knowledge.embedder)
        save_model(model, knowledge.folder)
    examples = 0
    kinds = 0
    if model.recogniser:
        examples = model.recogniser.example_count
        kinds = len(model.recogniser.linear_model.labels)
    return {
        "version": model.version,
        "examples": examples,
        "kinds": kinds,
        "plans": ", ".join(sorted(model.plans)),
    }


def status(as_json: AsJson = False) -> None:
    with opened_knowledge(load_offline()) as knowledge:
        summary = _status(knowledge)
    if as_json:
        print_json(summary)
        return
    table = Table(*STATUS_COLUMNS)
    for row in summary["kinds"]:
        cells = (row["kind"], str(row["precedents"]), row["right"], row["promise"])
        table.add_row(*cells)
    out.print(table)
    for batch in summary["batches"]:
        line = f"  batch {batch['name']}: {batch['precedents']} of {batch['kind']}"
        out.print(line, markup=False)
    for name in ("index", "embedder", "learned"):
        out.print(f"  {name}: {summary[name]}", markup=False)


def _status(knowledge: Knowledge) -> dict[str, Any]:
    index_failure = fill_index(knowledge)
    counts = knowledge.shelf.kinds()
    model = knowledge.model_file.model
    version = f"version {model.version}" if model else "nothing yet"
    return {
        "kinds": [_kind_status(knowledge, kind, counts[kind]) for kind in sorted(counts)],
        "batches": [to_plain(batch) for batch in knowledge.shelf.batches()],
        "index": index_failure or f"holds all {sum(counts.values())}",
        "embedder": knowledge.embedder.identity,
        "learned": knowledge.model_file.failure or version,
    }


def _kind_status(knowledge: Knowledge, kind: str, precedents: int) -> dict[str, Any]:
    """Describe the precedents of one kind, and how good its plan is."""
    model = knowledge.model_file.model
    plan = model.plans.get(kind) if model else None
    right = "too few to say"
    promise = "none"
    if plan:
        right = f"{plan.correct} of {plan.total}"
    if plan and plan.guarantee:
        promise = f"{plan.guarantee.lower_bound:.0%} at least"
    return {"kind": kind, "precedents": precedents, "right": right, "promise": promise}


def review(as_json: AsJson = False) -> None:
    rows = [_review_row(case) for case in _unnamed_cases(load_offline())]
    if as_json:
        print_json(rows)
        return
    if not rows:
        out.print("Nothing waits for a name.")
        return
    table = Table(*REVIEW_COLUMNS)
    for row in rows:
        guesses = ", ".join(row["guesses"])
        cells = (row["case"], row["state"], row["stake"], row["title"][:60], guesses)
        table.add_row(*cells)
    out.print(table)


def _unnamed_cases(settings: Settings) -> list[Case]:
    """Return the cases that nobody has named.

    Open ones come first, of those the ones with most at stake, of those the oldest.
    """
    library = open_library(settings)
    store = wiring.open_store(settings)
    with closing(store.database):
        kinds = [
            kind for kind in store.queries.kinds() if library.playbook(kind).kind == UNRECOGNISED
        ]
        cases = [case for case in store.queries.of_kinds(kinds) if not case.classification.named_by]

    def urgency(case: Case) -> tuple[Any, ...]:
        amount = case.assessment.stake.amount if case.assessment.stake else 0
        return case.state in TERMINAL, -amount, case.timers.opened_at

    return sorted(cases, key=urgency)


def _review_row(case: Case) -> dict[str, Any]:
    guesses = case.classification.recognition.guesses if case.classification.recognition else ()
    return {
        "case": case.id,
        "state": str(case.state),
        "stake": str(case.assessment.stake or ""),
        "title": case.signal.title,
        "guesses": [f"{guess.title} {guess.confidence} %" for guess in guesses],
    }
