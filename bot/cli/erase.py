"""``countersign erase``: make the data of one person unreadable."""

import getpass
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from typing import Annotated

import typer
from rich.progress import Progress
from sqlalchemy.exc import DBAPIError

from bot import storage
from bot.cases.erasure import LABEL_PREFIX, ErasureSubject
from bot.cases.errors import BadRequest, LedgerBroken, TooLate
from bot.checkpoint_keeper import open_witness, sign_or_compare
from bot.cli.terminal import AsJson, err, out, print_json
from bot.settings import Settings, load_offline
from bot.store.clock import clock_of
from bot.store.erasures import CASES_PER_TRANSACTION, Erasure, ErasureReach
from bot.store.store import Store

LABEL_BYTES = 4
MEMORY_FOLDER = "memory"
NOT_SHRUNK = "what was deleted is still in free pages of the database: run VACUUM when it is idle"
DATABASE_NAMES = ("countersign.db", "company.db")
NO_MEMORY = "the memory could not be made again: run `countersign memory rebuild`"


def erase(
    person: Annotated[
        str,
        typer.Argument(help="An account of Slack, an address, or a subject such as guest:17."),
    ],
    also: Annotated[
        list[str] | None,
        typer.Option(help="Another name of the same person; may be given several times."),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why, for the record. Do not name the person.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count what would be reached; change nothing.")
    ] = False,
    after_open_cases: Annotated[
        bool,
        typer.Option(
            "--after-open-cases",
            help="Erase what has ended, and leave open cases to a later run of this command.",
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    settings = load_offline()
    subject = ErasureSubject.of([person, *(also or ())], f"{LABEL_PREFIX}{token_hex(LABEL_BYTES)}")
    if subject.is_in(reason):
        raise BadRequest("the reason names the person, and stays in the record", field="reason")
    store = storage.open_store(settings)
    clock = clock_of(store.database)
    with closing(store.database):
        subject = store.erasures.resume(subject)
        reach = store.erasures.find(subject, clock())
        exports = find_files(settings, subject)
        if dry_run or not as_json:
            _print_reach(reach, exports, as_json=as_json)
        if dry_run:
            return
        is_resumed = subject.label in store.erasures.running_labels()
        if reach.is_empty and not is_resumed:
            return
        if reach.in_flight and not after_open_cases:
            raise TooLate(
                f"{', '.join(reach.in_flight)} have not ended, or may still be undone."
                " Decide them first, or add --after-open-cases"
            )
        if not yes:
            typer.confirm("This cannot be undone. Erase?", abort=True)
        erasure = Erasure(
            subject=subject.with_terms(reach.names), by=getpass.getuser(), reason=reason
        )
        result = _carry_out(settings, store, erasure=erasure, reach=reach, now=clock())
        leftovers = _rebuild_memory(settings, erasure.subject)
    _print_result(erasure, result, reach=reach, files=[*exports, *leftovers], as_json=as_json)


def _rebuild_memory(settings: Settings, subject: ErasureSubject) -> list[str]:
    """Rebuild memory and models. Return files that still name the person.

    In a process of its own: training takes memory that this command need not hold.
    """
    folder = settings.data_dir / MEMORY_FOLDER
    if not folder.exists():
        return []
    command = [sys.executable, "-m", "bot", "memory", "rebuild", "--json"]
    result = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
    if result.returncode:
        err.print(NO_MEMORY, style="red", markup=False)
    return find_files(settings, subject, only=MEMORY_FOLDER)


def _carry_out(
    settings: Settings,
    store: Store,
    *,
    erasure: Erasure,
    reach: ErasureReach,
    now: datetime,
) -> dict[str, int]:
    """Erase in steps. Return how much was reached."""
    erasures = store.erasures
    erasures.begin(erasure.subject, now)
    entries = 0
    with Progress(console=err, transient=True) as progress:
        task = progress.add_task("Erasing", total=len(reach.closed_cases))
        for start in range(0, len(reach.closed_cases), CASES_PER_TRANSACTION):
            case_ids = reach.closed_cases[start : start + CASES_PER_TRANSACTION]
            entries += erasures.erase_cases(erasure, case_ids, now)
            progress.advance(task, len(case_ids))
    entries += erasures.erase_desk(erasure, now)
    counts = {
        "cases": len(reach.closed_cases),
        "entries": entries,
        **erasures.sweep(erasure.subject, reach.in_flight),
    }
    if not reach.in_flight:
        erasures.complete(erasure, counts, now)
    try:
        erasures.shrink()
    except DBAPIError as failure:
        err.print(f"{NOT_SHRUNK} ({failure.orig})", style="red", markup=False)
    try:
        sign_or_compare(open_witness(settings), store)
    except LedgerBroken as failure:
        err.print(f"Not signed: {failure}", style="red", markup=False)
    return counts


def find_files(settings: Settings, subject: ErasureSubject, *, only: str = "") -> list[str]:
    """Return the files of the data folder that name the person.

    The database is not among them, and the memory only on request: the command erases both.
    """
    paths = sorted((settings.data_dir / only).rglob("*"))
    return [
        str(path)
        for path in paths
        if _is_other_file(settings, path, only) and _is_named_in(path, subject)
    ]


def _is_other_file(settings: Settings, path: Path, only: str) -> bool:
    if not path.is_file():
        return False
    is_memory = path.relative_to(settings.data_dir).parts[0] == MEMORY_FOLDER
    is_database = path.name.startswith(DATABASE_NAMES)
    return bool(only) or not (is_memory or is_database)


def _is_named_in(path: Path, subject: ErasureSubject) -> bool:
    # The names of an unfinished erasure may be in any spelling, also between bytes of a database.
    names = [term.lower().encode() for term in subject.terms]
    try:
        content = path.read_bytes().lower()
    except OSError:
        return False
    return any(name in content for name in names)


def _print_reach(reach: ErasureReach, files: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "cases": list(reach.closed_cases),
                "open_cases": list(reach.in_flight),
                "desk_entries": reach.desk_entries,
                "rows": dict(reach.counts),
                "names": list(reach.names),
                "files": list(files),
            }
        )
        return
    if reach.is_empty and not files:
        out.print("Nothing names this person.")
        return
    out.print(
        f"{len(reach.closed_cases)} cases that have ended, {len(reach.in_flight)} that have not."
    )
    for name, count in sorted(reach.counts.items()):
        out.print(f"  {name}: {count} rows", markup=False)
    if reach.desk_entries:
        out.print(f"  entries about the desk: {reach.desk_entries}")
    for name in reach.names:
        out.print(f"  also found under: {name}", markup=False)
    for path in files:
        out.print(f"  a file for you to look at: {path}", markup=False)


def _print_result(
    erasure: Erasure,
    result: dict[str, int],
    *,
    reach: ErasureReach,
    files: Sequence[str],
    as_json: bool,
) -> None:
    label = erasure.subject.label
    if as_json:
        print_json(
            {
                "label": label,
                "reached": result,
                "left": list(reach.in_flight),
                "files": list(files),
            }
        )
        return
    out.print(f"Erased. The records say {label} in the place of this person.", markup=False)
    if reach.in_flight:
        out.print(f"Run this again once these have ended: {', '.join(reach.in_flight)}.")
    out.print(
        "Cards and threads in Slack are cleared by the bot, now or when it runs next. Exports,"
        " backups and files outside the data folder are yours to delete."
    )
