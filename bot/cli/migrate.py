"""``countersign migrate``: bring the database to this release."""

from collections.abc import Sequence
from contextlib import closing
from typing import Annotated

import typer

from bot import storage
from bot.cli.logs import configure_logging
from bot.cli.terminal import AsJson, out, print_json
from bot.settings import Settings, load_offline
from bot.store.migrate import LATEST_MIGRATION, MigrationStep, missing_steps
from bot.store.migrate import migrate as migrate_database


def migrate(
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Change nothing. Exit with 1 when the database is of an older release."
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
    with closing(storage.open_database(settings)) as database:
        before, steps = missing_steps(database)
        if steps and not check:
            migrate_database(database)
    if as_json:
        print_json(
            {
                "from": before,
                "to": LATEST_MIGRATION,
                "is_done": not steps or not check,
                "steps": [{"migration": one.revision, "summary": one.summary} for one in steps],
            }
        )
    else:
        _print_steps(before, steps, check=check)
    raise typer.Exit(1 if steps and check else 0)


def _migrate_quietly(settings: Settings) -> None:
    """Migrate for the bot that starts, in its log."""
    configure_logging(settings.log_level, settings.log_format)
    with closing(storage.open_database(settings)) as database:
        migrate_database(database)


def _print_steps(before: str | None, steps: Sequence[MigrationStep], *, check: bool) -> None:
    place = f"at migration {before}" if before else "empty"
    if not steps:
        out.print(f"The database is {place}, that of this release. Nothing is missing.")
        return
    if check:
        out.print(f"The database is {place}. It needs:")
    else:
        out.print(f"The database was {place}. It got:")
    for step in steps:
        out.print(f"  {step.revision}  {step.summary}", markup=False, soft_wrap=True)
    if check:
        out.print("Back up, then run `countersign migrate`.")
    else:
        out.print(f"It is now at migration {LATEST_MIGRATION}. The ledger is as it was.")
