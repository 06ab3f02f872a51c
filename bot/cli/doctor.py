"""``countersign doctor`` and ``countersign unpark``."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from bot import storage
from bot.audit.replay import replay
from bot.cases.errors import Refusal
from bot.cases.finding import Finding
from bot.checkpoint_keeper import checkpoint_problems
from bot.cli.findings import find_all_problems, find_slack_problems, print_findings
from bot.cli.rules_status import rules_status
from bot.cli.terminal import AsJson, err, out
from bot.cli.versions import version_statuses
from bot.desk.rules_in_force import RulesInForce
from bot.settings import NO_BOT_TOKEN, Settings, load_offline
from bot.store.clock import clock_of
from bot.store.store import Store
from knowledge.learning.model_file import ModelFile
from knowledge.library import FileLibrary
from knowledge.memory.helper_connection import WELCOME_TIMEOUT_SECONDS, find_hung_helper
from scheduler.retention import RetentionTerms, describe_delays, describe_terms

#: The role of the bot may not be able to change a line of the ledger on PostgreSQL.
RETENTION_REMEDY = (
    "Look for “retention failed” in the log. On PostgreSQL the bot's role needs"
    " GRANT UPDATE (body) ON ledger (docs/operating.md)."
)


def doctor(as_json: AsJson = False) -> None:
    settings = load_offline()
    findings, library = find_all_problems(settings)
    if library is None:
        err.print("The rest is checked once these files can be read.", markup=False)
        raise typer.Exit(print_findings(findings, otherwise="", as_json=as_json))
    findings += memory_findings(settings.data_dir / "memory")
    store = storage.open_store(settings)
    with closing(store.database):
        if settings.slack_bot_token != NO_BOT_TOKEN:
            findings += find_slack_problems(settings, library, store.pinned_names)
        findings += _store_findings(settings, store, library)
        comparison = replay(store.database)
        findings += [
            Finding(sentence=f"ledger: {difference}") for difference in comparison.differences
        ]
        if not as_json:
            _print_backlog(store, library)
    otherwise = (
        f"No problem found: {comparison.cases} cases agree with {comparison.entries} ledger "
        "entries."
    )
    raise typer.Exit(print_findings(findings, otherwise=otherwise, as_json=as_json))


def memory_findings(
    folder: Path, welcome_timeout: float = WELCOME_TIMEOUT_SECONDS
) -> Iterator[Finding]:
    """Tell of models that cannot be read, and of a hung helper."""
    model_failure = ModelFile(folder).failure
    if model_failure:
        yield Finding(sentence=model_failure)
    standstill = find_hung_helper(folder, welcome_timeout)
    if standstill:
        process = f"process {standstill.pid}" if standstill.pid else "a process of this folder"
        yield Finding(
            sentence=f"memory does not answer: its helper ({process}) stands still",
            suggestion="A running bot ends it within a minute and starts another."
            " If it stays, end that process.",
        )


def _store_findings(settings: Settings, store: Store, library: FileLibrary) -> Iterator[Finding]:
    yield from _parked_findings(store)
    status = rules_status(store, library)
    if not status.is_in_force:
        yield Finding(sentence=status.sentence)
    for version in version_statuses(store, library):
        if version.is_problem:
            yield Finding(sentence=version.sentence)
    for sentence in checkpoint_problems(settings, store):
        yield Finding(sentence=sentence)
    order = _retention_terms(store, library).order(clock_of(store.database)())
    for sentence in describe_delays(order, store.retention.describe(order)):
        yield Finding(sentence=sentence, suggestion=RETENTION_REMEDY)


def _retention_terms(store: Store, library: FileLibrary) -> RetentionTerms:
    rules = RulesInForce(store.cases, library, store.desk_controls)
    return RetentionTerms(rules=rules, desk_controls=store.desk_controls)


def _print_backlog(store: Store, library: FileLibrary) -> None:
    """Print what waits, versions on trial, and how long data are kept."""
    for topic, count in store.outbox.backlog().items():
        out.print(f"  {topic}: {count}", markup=False)
    for version in version_statuses(store, library):
        if version.sentence and not version.is_problem:
            out.print(f"  {version.sentence}", markup=False)
    order = _retention_terms(store, library).order(clock_of(store.database)())
    if order.retention.is_on:
        for line in describe_terms(order, store.retention.describe(order)):
            out.print(f"  {line}", markup=False)


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


def _parked_findings(store: Store) -> Iterator[Finding]:
    """Yield each parked message; those with the same cause say the same."""
    for row in store.outbox.parked_messages():
        yield Finding(
            sentence=f"work is parked after {row['attempts']} attempts: {row['error']}",
            suggestion=(
                f"Correct the cause, then run `countersign unpark {row['key']}`"
                " (or `countersign unpark --all`)."
            ),
        )
