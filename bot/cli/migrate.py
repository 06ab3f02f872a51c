"""``countersign migrate``: bring the database to this release."""

from contextlib import closing
from typing import Annotated, Any

import typer

from bot import storage
from bot.cli.logs import configure_logging
from bot.cli.terminal import AsJson, out, print_json
from bot.settings import Settings, load_offline
from bot.store.migrate import LATEST_MIGRATION, MigrationPlan, derive_anew, plan_migration
from bot.store.migrate import migrate as migrate_database


def migrate(
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Change nothing. Exit with 1 when the database is of an older release."
        ),
    ] = False,
    plan: Annotated[
        bool,
        typer.Option(
            "--plan",
            help="Change nothing. Print what would be done, and whether the release before can "
            "go on and be started again.",
        ),
    ] = False,
    complete: Annotated[
        bool,
        typer.Option(
            "--complete",
            help="Derive again what processes of the release before have written since. Run it "
            "once the last of them has ended.",
        ),
    ] = False,
    as_json: AsJson = False,
    is_quiet: Annotated[
        bool, typer.Option("--quiet", hidden=True, help="Log what is done, and print nothing.")
    ] = False,
) -> None:
    settings = load_offline()
    if is_quiet:
        _migrate_quietly(settings)
        return
    is_idle = check or plan
    with closing(storage.open_database(settings)) as database:
        migration = plan_migration(database)
        if migration.steps and not is_idle:
            migrate_database(database)
        if complete and not is_idle:
            derive_anew(database)
    if as_json:
        print_json(_plain(migration, is_done=not migration.steps or not is_idle))
    else:
        _print_steps(migration, is_idle=is_idle)
        if complete and not is_idle:
            out.print("Everything that follows from the ledger was derived from it again.")
    raise typer.Exit(1 if migration.steps and check else 0)


def _migrate_quietly(settings: Settings) -> None:
    """Migrate for the bot that starts, in its log."""
    configure_logging(settings.log_level, settings.log_format)
    with closing(storage.open_database(settings)) as database:
        migrate_database(database)


def _plain(migration: MigrationPlan, *, is_done: bool) -> dict[str, Any]:
    return {
        "from": migration.before,
        "to": LATEST_MIGRATION,
        "is_done": is_done,
        "steps": [
            {
                "migration": one.revision,
                "summary": one.summary,
                "readable_from": one.readable_from,
            }
            for one in migration.steps
        ],
        "release_before": {
            "goes_on": migration.goes_on,
            "may_be_started_again": migration.may_return,
        },
    }


def _print_steps(migration: MigrationPlan, *, is_idle: bool) -> None:
    before = migration.before
    place = f"at migration {before}" if before else "empty"
    if not migration.steps:
        _print_nothing_missing(before or "")
        return
    if is_idle:
        out.print(f"The database is {place}. It needs:")
    else:
        out.print(f"The database was {place}. It got:")
    for step in migration.steps:
        out.print(f"  {step.revision}  {step.summary}", markup=False, soft_wrap=True)
    if before:
        out.print(return_sentence(migration), soft_wrap=True)
    if is_idle:
        out.print("Back up, then run `countersign migrate`.")
    else:
        out.print(f"It is now at migration {LATEST_MIGRATION}. The ledger is as it was.")


def _print_nothing_missing(version: str) -> None:
    if version == LATEST_MIGRATION:
        out.print(f"The database is at migration {version}, that of this release.", end=" ")
    else:
        out.print(
            f"The database is at migration {version}, newer than this release"
            f" ({LATEST_MIGRATION}), which may use it.",
            end=" ",
            soft_wrap=True,
        )
    out.print("Nothing is missing.")


def return_sentence(migration: MigrationPlan) -> str:
    """Say what the release before can still do afterwards."""
    if not migration.goes_on:
        return (
            "The release before cannot use the database after this: stop all its processes first."
            " Going back is restoring the backup."
        )
    if not migration.may_return:
        return (
            "Processes of the release before that run go on beside this one. It cannot be started"
            " again: going back is restoring the backup."
        )
    return (
        "Processes of the release before that run go on beside this one, and it can be started"
        " again."
    )
