"""``countersign memory``: status and review."""

import contextlib
from collections.abc import Iterator
from contextlib import closing
from itertools import chain
from typing import Any

from rich.table import Table

from bot import storage
from bot.advisors import Knowledge, open_knowledge
from bot.cases.canonical import to_plain
from bot.cases.case import Case
from bot.cases.errors import MemoryUnavailable
from bot.cases.lifecycle import TERMINAL
from bot.cases.signal import UNRECOGNISED
from bot.cli.memory_promises import (
    MAX_PROMISED_PRECEDENTS,
    PromiseBand,
    band_plain,
    hanging_line,
    has_promise,
    promise_bands,
    promise_lines,
    promise_table,
)
from bot.cli.memory_trade import trade_lines, trade_plain, trade_table
from bot.cli.terminal import AsJson, out, print_json
from bot.clock import utc_now
from bot.preflight import open_library
from bot.settings import Settings, load_offline
from knowledge.learning.model_file import TrainedModel
from knowledge.learning.recogniser_trade import RecognitionTrade
from knowledge.learning.training_set import cases_until_training

STATUS_COLUMNS = ("kind", "precedents", "correct so far")
REVIEW_COLUMNS = ("case", "state", "at stake", "title", "best guesses")


@contextlib.contextmanager
def opened_knowledge(settings: Settings) -> Iterator[Knowledge]:
    """Open precedents and models for one command.

    The index is not filled yet.
    """
    store = storage.open_store(settings)
    library = open_library(settings)
    with closing(store.database):
        knowledge = open_knowledge(
            settings=settings,
            store=store,
            library=library,
            clock=utc_now,
        )
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


def status(as_json: AsJson = False) -> None:
    with opened_knowledge(load_offline()) as knowledge:
        index_failure = fill_index(knowledge)
        # What people answered is in the store, also while the index is not available.
        knowledge.live_records.follow()
        model = knowledge.model_file.model
        bands = _promise_bands(knowledge, model)
        until_training = cases_until_training(model, knowledge.shelf) if model else 0
        summary = _status(knowledge, index_failure, bands)
    if as_json:
        print_json({**summary, "cases_until_training": until_training})
        return
    _print_status(summary)
    _print_promises(bands, until_training)
    if model and model.recogniser:
        _print_trade(model.recogniser.trade)
    for batch in summary["batches"]:
        line = f"  batch {batch['name']}: {batch['precedents']} of {batch['kind']}"
        out.print(line, markup=False)
    for name in ("index", "embedder", "recognition", "learned"):
        out.print(f"  {name}: {summary[name]}", markup=False)


def _print_status(summary: dict[str, Any]) -> None:
    table = Table(*STATUS_COLUMNS)
    for row in summary["kinds"]:
        table.add_row(row["kind"], str(row["precedents"]), row["right"])
    out.print(table)


def _print_promises(bands: dict[str, list[PromiseBand]], until_training: int) -> None:
    """Print the promises of the kinds that have any."""
    with_promise = [of_kind for of_kind in bands.values() if has_promise(of_kind)]
    for of_kind in with_promise:
        out.print(promise_table(of_kind))
    for line in promise_lines(list(chain.from_iterable(with_promise)), until_training):
        out.print(hanging_line(line))


def _print_trade(trade: RecognitionTrade) -> None:
    out.print(trade_table(trade))
    for line in trade_lines(trade):
        out.print(f"  {line}", markup=False)


def _status(
    knowledge: Knowledge, index_failure: str, bands: dict[str, list[PromiseBand]]
) -> dict[str, Any]:
    counts = knowledge.shelf.kinds()
    model = knowledge.model_file.model
    version = f"version {model.version}" if model else "nothing yet"
    return {
        "kinds": [
            _kind_status(model, kind, precedents=counts[kind], bands=bands[kind]) for kind in bands
        ],
        "batches": [to_plain(batch) for batch in knowledge.shelf.batches()],
        "index": index_failure or f"holds all {sum(counts.values())}",
        "embedder": knowledge.embedders.precedents.identity,
        "recognition": knowledge.embedders.recognition.identity,
        "learned": knowledge.model_file.failure or version,
        "trade": trade_plain(model.recogniser if model else None),
    }


def _kind_status(
    model: TrainedModel | None, kind: str, *, precedents: int, bands: list[PromiseBand]
) -> dict[str, Any]:
    """Describe the precedents of one kind, and how good its plan is."""
    plan = model.plans.get(kind) if model else None
    right = "too few to say"
    promise = "none"
    if plan:
        right = f"{plan.correct} of {plan.total}"
    if plan and plan.guarantees:
        promise = f"{plan.guarantees[0].lower_bound:.0%} at least"
    return {
        "kind": kind,
        "precedents": precedents,
        "right": right,
        "promise": promise,
        "promises": [band_plain(band) for band in bands],
    }


def _promise_bands(
    knowledge: Knowledge, model: TrainedModel | None
) -> dict[str, list[PromiseBand]]:
    """Return every promise of each kind."""
    return {
        kind: promise_bands(
            kind,
            model.plans.get(kind) if model else None,
            record=knowledge.live_records.of_kind(kind),
            latest=knowledge.shelf.of_kind(kind, MAX_PROMISED_PRECEDENTS),
        )
        for kind in sorted(knowledge.shelf.kinds())
    }


def review(as_json: AsJson = False) -> None:
    rows = [_review_row(case) for case in _unnamed_cases(load_offline())]
    if as_json:
        print_json(rows)
        return
    if not rows:
        out.print("Every case has a kind.")
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
    store = storage.open_store(settings)
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
