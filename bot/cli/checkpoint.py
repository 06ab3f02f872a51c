"""``countersign ledger checkpoint``: sign once, or go on signing as a process of its own."""

import logging
import re
from contextlib import closing
from typing import Annotated

import typer
from sqlalchemy.exc import DBAPIError

from bot import wiring
from bot.cases.errors import LedgerBroken, Refusal
from bot.cli.logs import configure_logging
from bot.cli.shutdown import stop_event
from bot.cli.terminal import out
from bot.settings import load_offline
from bot.store.checkpoints import Checkpoints
from bot.store.store import SqlStore

log = logging.getLogger("countersign")
SECONDS = {"s": 1, "m": 60, "h": 3600}


def checkpoint(
    every: Annotated[
        str,
        typer.Option(
            help=(
                "Go on signing, like 5m: the signer as a process of its own, "
                "with a role that only reads."
            )
        ),
    ] = "",
) -> None:
    settings = load_offline()
    interval = _seconds(every) if every else 0.0
    store = wiring.open_reader(settings)
    with closing(store.database):
        checkpoints = Checkpoints(settings.checkpoints_dir, settings.origin)
        if interval:
            configure_logging(settings.log_level)
            _sign_until_stopped(checkpoints, store, interval)
            return
        signed = checkpoints.sign(store)
    out.print(
        signed.note if signed else "Nothing was added since the last checkpoint.", markup=False
    )
    out.print(f"Public key: {checkpoints.public_key}", markup=False, soft_wrap=True)


def _sign_until_stopped(checkpoints: Checkpoints, store: SqlStore, interval: float) -> None:
    """Sign new entries at intervals. A failure is logged once, until it is another one."""
    stopped = stop_event()
    last_failure = ""
    log.info("signing %s every %g s", checkpoints.folder, interval)
    while True:
        failure = _sign(checkpoints, store)
        if failure and failure != last_failure:
            log.error("%s", failure)
        last_failure = failure
        if stopped.wait(interval):
            return


def _sign(checkpoints: Checkpoints, store: SqlStore) -> str:
    """Sign what is new. Return why it could not be signed, empty when it could."""
    try:
        signed = checkpoints.sign(store)
    except LedgerBroken as broken:
        return f"not signed: {broken}. `countersign doctor` says more"
    except DBAPIError as away:
        cause = type(away.orig).__name__
        return f"not signed: the database does not answer ({cause}); trying again"
    if signed:
        log.info("signed %s entries", signed.size)
    return ""


def _seconds(text: str) -> float:
    """Return the seconds of a time like 30s, 5m or 1h."""
    match = re.fullmatch(r"(\d{1,6})([smh])", text.strip())
    seconds = int(match[1]) * SECONDS[match[2]] if match else 0
    if not seconds:
        raise Refusal(f"--every takes a time like 30s, 5m or 1h, not {text[:20]!r}")
    return float(seconds)
