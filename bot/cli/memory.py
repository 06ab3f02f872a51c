"""``countersign memory``: status and review."""

import contextlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

from rich.table import Table

from bot import storage
from bot.advisors import Knowledge, open_knowledge
from bot.cases.canonical import to_plain
from bot.cases.case import Case
from bot.cases.errors import MemoryUnavailable
from bot.cases.lifecycle import TERMINAL
from bot.cases.promise import PromiseRecord
from bot.cases.signal import UNRECOGNISED
from bot.cli.memory_trade import trade_lines, trade_plain, trade_table
from bot.cli.terminal import AsJson, out, print_json
from bot.clock import utc_now
from bot.preflight import open_library
from bot.settings import Settings, load_offline
from bot.views.promises import share_words, week_words
from knowledge.learning.live_record import answer_of, live_record
from knowledge.learning.recogniser_trade import RecognitionTrade

STATUS_COLUMNS = ("kind", "precedents", "correct so far", "guaranteed precision", "promises")
#: Precedents of a kind in which promises are looked for.
MAX_PROMISED_PRECEDENTS = 200
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
        summary = _status(knowledge)
        model = knowledge.model_file.model
    if as_json:
        print_json(summary)
        return
    table = Table(*STATUS_COLUMNS)
    for row in summary["kinds"]:
        promises = "\n".join(promise["words"] for promise in row["promises"]) or "none answered yet"
        cells = (row["kind"], str(row["precedents"]), row["right"], row["promise"], promises)
        table.add_row(*cells)
    out.print(table)
    if model and model.recogniser:
        _print_trade(model.recogniser.trade)
    for batch in summary["batches"]:
        line = f"  batch {batch['name']}: {batch['precedents']} of {batch['kind']}"
        out.print(line, markup=False)
    for name in ("index", "embedder", "recognition", "learned"):
        out.print(f"  {name}: {summary[name]}", markup=False)


def _print_trade(trade: RecognitionTrade) -> None:
    out.print(trade_table(trade))
    for line in trade_lines(trade):
        out.print(f"  {line}", markup=False)


def _status(knowledge: Knowledge) -> dict[str, Any]:
    index_failure = fill_index(knowledge)
    counts = knowledge.shelf.kinds()
    model = knowledge.model_file.model
    version = f"version {model.version}" if model else "nothing yet"
    return {
        "kinds": [_kind_status(knowledge, kind, counts[kind]) for kind in sorted(counts)],
        "batches": [to_plain(batch) for batch in knowledge.shelf.batches()],
        "index": index_failure or f"holds all {sum(counts.values())}",
        "embedder": knowledge.embedders.precedents.identity,
        "recognition": knowledge.embedders.recognition.identity,
        "learned": knowledge.model_file.failure or version,
        "trade": trade_plain(model.recogniser if model else None),
    }


def _kind_status(knowledge: Knowledge, kind: str, precedents: int) -> dict[str, Any]:
    """Describe the precedents of one kind, and how good its plan is."""
    model = knowledge.model_file.model
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
        "promises": [_promise_plain(one) for one in _promises(knowledge, kind)],
    }


def _promises(knowledge: Knowledge, kind: str) -> list[PromiseRecord]:
    """Count the promises of a kind lately, before its training too."""
    latest = knowledge.shelf.of_kind(kind, MAX_PROMISED_PRECEDENTS)
    answers = {}
    for seq, precedent in enumerate(latest):
        answer = answer_of(precedent, seq)
        if answer:
            answers[precedent.card_id] = answer
    lapses = {one.percent: one for one in knowledge.live_records.lapses() if one.kind == kind}
    return [
        # Whether it stands is a matter of the answers since the training.
        replace(promise, lapsed_at=getattr(lapses.get(promise.percent), "lapsed_at", None))
        for promise in live_record(kind, answers.values()).promises
    ]


def _promise_plain(promise: PromiseRecord) -> dict[str, Any]:
    standing = "lapsed" if promise.has_lapsed else "stands"
    return {
        "percent": promise.percent,
        "given": promise.total,
        "kept": promise.right,
        "lapsed": promise.has_lapsed,
        "weeks": [to_plain(week) for week in promise.weeks],
        "words": (
            f"{share_words(promise.percent)}, {standing}: {promise.right} of"
            f" {promise.total} were right ({week_words(promise)})"
        ),
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
