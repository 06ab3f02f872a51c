"""``countersign questions``."""

import json
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from bot import storage
from bot.cli.terminal import AsJson, out
from bot.clock import utc_now
from bot.lazy_module import LazyModule
from bot.ports.question_log import QuestionRecord
from bot.settings import load_offline

if TYPE_CHECKING:
    from knowledge.language import labels
else:
    # Questions that nobody has corrected are listed without it.
    labels = LazyModule("knowledge.language.labels")

COLUMNS = ("asked at", "question", "understood as", "meant", "feedback")
MAX_QUESTION_LENGTH = 100


def questions(
    days: Annotated[int, typer.Option(help="Number of days to look back.")] = 14,
    every: Annotated[
        bool, typer.Option("--all", help="List all questions, also those with a good answer.")
    ] = False,
    examples: Annotated[
        bool,
        typer.Option(
            "--examples",
            help="Print the questions whose meaning a person chose, as lines for questions.yml.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    store = storage.open_store(load_offline())
    since = utc_now() - timedelta(days=days)
    with closing(store.database):
        records = store.question_log.questions(since, only_unanswered=not (every or examples))
    if examples:
        _print_examples(records)
    elif as_json:
        print(json.dumps([_json_row(record) for record in records], indent=2, ensure_ascii=False))
    elif not records:
        out.print(f"No such questions in the last {days} days.")
    else:
        out.print(_table(records))


def _print_examples(records: Sequence[QuestionRecord]) -> None:
    """Print one example a line, each label once, for the section ``asks``."""
    examples: dict[str, list[str]] = {}
    for label, example in _chosen_examples(records):
        texts = examples.setdefault(label, [])
        if example not in texts:
            texts.append(example)
    if not examples:
        typer.echo("Nobody chose another reading of a question.", err=True)
    for label, texts in sorted(examples.items()):
        print("\n    ".join([f"  {label}: |", *texts]))


def _chosen_examples(records: Iterable[QuestionRecord]) -> Iterable[tuple[str, str]]:
    for record in records:
        if record.choice is not None:
            yield labels.label_of(record.choice), labels.example_of(record.text, record.choice)


def _json_row(record: QuestionRecord) -> dict[str, str]:
    return {
        "at": record.asked_at.isoformat(),
        "text": record.text,
        "understood": record.reading,
        "meant": _meaning(record),
        "vote": record.vote,
    }


def _table(records: Iterable[QuestionRecord]) -> Table:
    table = Table(*COLUMNS)
    for record in records:
        cells = (
            f"{record.asked_at:%d %b %H:%M}",
            record.text[:MAX_QUESTION_LENGTH],
            record.reading or "nothing",
            _meaning(record),
            record.vote,
        )
        table.add_row(*cells)
    return table


def _meaning(record: QuestionRecord) -> str:
    """Return the label of the reading that the person chose.

    Empty when they chose none.
    """
    return labels.label_of(record.choice) if record.choice is not None else ""
