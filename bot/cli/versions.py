"""``countersign versions``."""

from contextlib import closing
from typing import Any

from rich.markup import escape
from rich.table import Table

from bot import storage
from bot.cases.version_record import short_version
from bot.cli.terminal import AsJson, out, print_json
from bot.clock import utc_now
from bot.desk.version_review import build_reports
from bot.preflight import open_library
from bot.settings import load_offline
from bot.store.store import Store
from bot.views.version_progress import VersionStatus
from knowledge.library import FileLibrary

COLUMNS = ("kind", "in force", "since", "by", "tried", "compared", "otherwise", "on trial")


def versions(as_json: AsJson = False) -> None:
    settings = load_offline()
    store = storage.open_store(settings)
    with closing(store.database):
        statuses = version_statuses(store, open_library(settings))
    if as_json:
        print_json([_plain(one) for one in statuses])
        return
    table = Table(*COLUMNS)
    for one in statuses:
        table.add_row(*map(escape, _row(one)))
    out.print(table, markup=False)
    for one in statuses:
        if one.sentence:
            out.print(one.sentence, markup=False)


def version_statuses(store: Store, library: FileLibrary) -> list[VersionStatus]:
    """List the versions of all kinds."""
    reports = build_reports(
        cases=store.cases,
        desk_controls=store.desk_controls,
        queries=store.queries,
        library=library,
        clock=utc_now,
    )
    return reports.list()


def _row(one: VersionStatus) -> tuple[str, ...]:
    in_force = one.versions
    by = f"{in_force.by_name} in {in_force.on_case}" if in_force.on_case else in_force.reason
    cells = [
        one.kind_title,
        short_version(in_force.in_force.checksum),
        f"{in_force.since:%d %b %Y}",
    ]
    progress = one.progress
    if progress is None:
        return (*cells, by, "", "", "", "")
    phase = f"{short_version(progress.version.checksum)} {progress.version.phase}"
    return (
        *cells,
        by,
        phase,
        f"{len(progress.compared_cases):,} of {progress.rule.shadow:,}",
        f"{len(progress.differing):,}",
        f"{len(progress.ended_cases):,} of {progress.rule.trial:,}",
    )


def _plain(one: VersionStatus) -> dict[str, Any]:
    progress = one.progress
    candidate: dict[str, Any] | None = None
    if progress is not None:
        candidate = {
            "version": progress.version.checksum,
            "phase": progress.version.phase.value,
            "since": progress.version.phase_since.isoformat(),
            "compared": len(progress.compared_cases),
            "otherwise": [str(case.id) for case in progress.differing],
            "failed": [str(case.id) for case in progress.failures],
            "on_trial": len(progress.on_trial),
            "ended": len(progress.ended_cases),
            "missing": progress.missing,
        }
    in_force = one.versions
    return {
        "kind": one.kind,
        "in_force": in_force.in_force.checksum,
        "since": in_force.since.isoformat(),
        "reason": in_force.reason,
        "by": in_force.by_name,
        "case": in_force.on_case,
        "file": one.file_version,
        "is_file_in_force": one.is_file_in_force,
        "tried": candidate,
        "ended": list(in_force.past_candidates),
        "sentence": one.sentence,
    }
