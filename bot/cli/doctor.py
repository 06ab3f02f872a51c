"""``countersign doctor`` and ``countersign unpark``."""

from contextlib import closing
from typing import Annotated

import typer

from bot import storage
from bot.audit.replay import replay
from bot.cases.errors import Refusal
from bot.checkpoint_keeper import checkpoint_problems
from bot.cli.rules_status import rules_status
from bot.cli.terminal import AsJson, out, print_problems
from bot.cli.versions import version_statuses
from bot.preflight import find_problems, open_library
from bot.settings import load_offline
from bot.store.clock import clock_of
from bot.store.store import Store
from knowledge.learning.model_file import ModelFile


def doctor(as_json: AsJson = False) -> None:
    settings = load_offline()
    problems = find_problems(settings)
    model_failure = ModelFile(settings.data_dir / "memory").failure
    if model_failure:
        problems.append(model_failure)
    store = storage.open_store(settings)
    with closing(store.database):
        problems += _parked_problems(store)
        status = rules_status(store, open_library(settings))
        if not status.is_in_force:
            problems.append(status.sentence)
        versions = version_statuses(store, open_library(settings))
        problems += [one.sentence for one in versions if one.is_problem]
        comparison = replay(store.database)
        problems += checkpoint_problems(settings, store)
        problems += [f"ledger: {difference}" for difference in comparison.differences]
        if not as_json:
            for topic, count in store.outbox.backlog().items():
                out.print(f"  {topic}: {count}", markup=False)
            for one in versions:
                if one.sentence and not one.is_problem:
                    out.print(f"  {one.sentence}", markup=False)
    print_problems(
        problems,
        otherwise=(
            f"No problem found: {comparison.cases} cases agree with {comparison.entries} ledger "
            "entries."
        ),
        as_json=as_json,
    )


def unpark(
    key: Annotated[
        str, typer.Argument(help="The key of the work, as `countersign doctor` shows it.")
    ] = "",
    every: Annotated[bool, typer.Option("--all", help="Retry all parked work.")] = False,
) -> None:
    if bool(key) == every:
        raise Refusal("name one key, or use --all")
    store = storage.open_store(load_offline())
    with closing(store.database):
        keys = [row["key"] for row in store.outbox.parked_messages()] if every else [key]
        now = clock_of(store.database)()
        count = sum(store.outbox.unpark(parked_key, now) for parked_key in keys)
    if not count:
        place = f" under {key}" if key else ""
        raise Refusal(f"nothing is parked{place}; `countersign doctor` lists parked work")
    out.print(f"{key or count} will be retried.", markup=False)


def _parked_problems(store: Store) -> list[str]:
    problems = []
    for row in store.outbox.parked_messages():
        key = row["key"]
        problems.append(
            f"{key} is parked after {row['attempts']} attempts: {row['error']}. "
            f"Correct the cause, then run `countersign unpark {key}`"
        )
    return problems
