"""``countersign ledger checkpoint``: sign once, or at intervals."""

import logging
import re
from contextlib import closing
from typing import Annotated

import typer
from sqlalchemy.exc import DBAPIError

from bot import storage
from bot.audit.checkpoints import Checkpoints
from bot.cases.errors import LedgerBroken, Refusal
from bot.cli.logs import configure_logging
from bot.cli.shutdown import StopSignal
from bot.cli.terminal import out
from bot.settings import load_offline
from bot.store.store import Store

log = logging.getLogger("countersign")
SECONDS = {"s": 1, "m": 60, "h": 3600}


def checkpoint(
    every: Annotated[
        str,
        typer.Option(
            help=(
                "Keep running and sign at this interval, like 5m: a separate signer, "
                "which needs only a read-only role."
            )
        ),
    ] = "",
) -> None:
    settings = load_offline()
    # Read before the database is opened: a mistake is answered at once.
    interval = _seconds(every) if every else 0.0
    store = storage.open_reader(settings)
    with closing(store.database):
        checkpoints = Checkpoints(settings.checkpoints_dir, settings.origin)
        if interval:
            # A process that runs for long logs; one that signs once prints.
            configure_logging(settings.log_level, settings.log_format)
            _sign_until_stopped(checkpoints, store, interval)
            return
        new_checkpoint = checkpoints.sign(store.ledger)
    note = new_checkpoint.note if new_checkpoint else "No new entries since the last checkpoint."
    # A line of it that is broken is no signature.
    out.print(note, markup=False, soft_wrap=True)
    out.print(f"Public key: {checkpoints.public_key}", markup=False, soft_wrap=True)


def _sign_until_stopped(checkpoints: Checkpoints, store: Store, interval: float) -> None:
    """Sign new entries at intervals.

    A failure is logged once, until another one follows.
    """
    stop = StopSignal()
    last_failure = ""
    log.info("signing %s every %g s", checkpoints.folder, interval)
    while True:
        failure = _sign(checkpoints, store)
        if failure and failure != last_failure:
            log.error("%s", failure)
        last_failure = failure
        if stop.wait(interval):
            return


def _sign(checkpoints: Checkpoints, store: Store) -> str:
    """Sign new entries and return why that failed, if it did."""
    try:
        new_checkpoint = checkpoints.sign(store.ledger)
    except LedgerBroken as failure:
        return f"not signed: {failure}. Run `countersign doctor` for details"
    except DBAPIError as failure:
        cause = type(failure.orig).__name__
        return f"not signed: the database does not respond ({cause}); will try again"
    if new_checkpoint:
        log.info("signed %s entries", new_checkpoint.size)
    return ""


def _seconds(text: str) -> float:
    """Return the seconds of a time like 30s, 5m or 1h."""
    match = re.fullmatch(r"(\d{1,6})([smh])", text.strip())
    seconds = int(match[1]) * SECONDS[match[2]] if match else 0
    if not seconds:
        raise Refusal(f"--every must be a time like 30s, 5m or 1h, not {text[:20]!r}")
    return float(seconds)
