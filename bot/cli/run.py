"""``countersign run``."""

import ctypes
import gc
import logging
import subprocess
import sys
from functools import partial
from typing import Annotated

import typer

from bot import storage, wiring
from bot.cli.logs import configure_logging
from bot.cli.shutdown import StopSignal, exit_after, report_open, stop_with_parent
from bot.cli.tracing import tracing
from bot.service import Worker
from bot.settings import Settings, load

log = logging.getLogger("countersign")
#: The default but for the last: one in a hundred collections of the middle generation is full.
COLLECTOR_THRESHOLDS = (700, 10, 100)
# Of the C library of GNU.
M_ARENA_MAX = -8
MAX_HEAPS = 2


def run(
    workers: Annotated[
        int,
        typer.Option(
            min=1,
            help=(
                "Number of processes. The first receives signals and presses; the others do "
                "the work."
            ),
        ),
    ] = 1,
    worker: Annotated[
        int,
        typer.Option(hidden=True, help="Be the worker of this number, as the bot starts it."),
    ] = 0,
    is_attached: Annotated[
        bool,
        typer.Option("--attached", hidden=True, help="Report when open, and end with the parent."),
    ] = False,
    receive_only: Annotated[
        bool,
        typer.Option("--receive-only", hidden=True, help="Store what comes, and do no work."),
    ] = False,
) -> None:
    settings = load()
    configure_logging(settings.log_level, settings.log_format)
    _limit_heaps()
    with tracing(settings):
        if worker:
            _run_worker(settings, worker)
        else:
            _run_service(settings, workers, is_attached=is_attached, receive_only=receive_only)


def _limit_heaps() -> None:
    """Let the threads share two heaps of the C library.

    By itself each of the first eight a core gets its own, and what is free in one serves no other.
    """
    limit = getattr(ctypes.CDLL(None), "mallopt", None)
    if limit:
        limit(M_ARENA_MAX, MAX_HEAPS)


def _freeze_memory() -> None:
    """Exempt all present objects from garbage collection.

    They live as long as the process. A full collection that walks over them stops every thread for
    tens of milliseconds.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)


def _migrate_apart(settings: Settings) -> None:
    """Let another process migrate what is to migrate.

    What only that needs would stay in this one: 35 MB. If it fails, whoever opens the store next
    tries again, and says why.
    """
    if storage.must_migrate(settings):
        command = [sys.executable, "-m", "bot", "migrate", "--quiet"]
        # Our own program, with the environment that this one has.
        subprocess.run(command, env=settings.environment, check=False)  # noqa: S603


def _run_service(
    settings: Settings, processes: int, *, is_attached: bool, receive_only: bool
) -> None:
    _migrate_apart(settings)
    service = wiring.build_service(settings, processes=processes, receive_only=receive_only)
    # Before anything is received: what was received is finished, however soon the stop comes.
    stop = StopSignal()
    service.start()
    _freeze_memory()
    addresses = f"intake on http://{settings.host}:{settings.port}, {settings.slack_api_url}"
    log.info("open: %s mode, %s", settings.mode, addresses)
    if is_attached:
        stop_with_parent(_ignore_bytes)
        report_open()
    stop.wait()
    # Work under lease is finished, so that no other process has to wait for the lease to end.
    log.info("closing: finishing what is in hand")
    exit_after(settings.stop_for, partial(_report_leftovers, service.worker))
    service.stop()


def _report_leftovers(worker: Worker) -> None:
    """Log what a stop leaves unfinished.

    Its leases run out by themselves; whoever takes it up then looks before anything is repeated.
    """
    log.warning(
        "closed with work in hand, which is taken up when its leases end: %s",
        ", ".join(worker.keys_in_hand()) or "none",
    )


def _ignore_bytes(content: bytes) -> None:
    """Do nothing with them: only the end of the input tells something."""


def _run_worker(settings: Settings, number: int) -> None:
    """Run a worker's lanes until a signal, or its parent's end."""
    worker = wiring.build_worker(settings, number)
    stop = StopSignal()
    worker.prepare()
    worker.start()
    _freeze_memory()
    stop_with_parent(worker.wake)
    report_open()
    log.info("worker %s is open", number)
    stop.wait()
    exit_after(settings.stop_for, partial(_report_leftovers, worker))
    worker.stop()
    worker.close()
