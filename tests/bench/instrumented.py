"""``countersign run`` under instruments: a child process that answers questions about itself.

Each line of its standard input is a command; it answers each with one line of JSON. It runs no
periodic jobs and its workers do not poll, so that whatever it does was caused by the bench.
"""

import json
import os
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.bench.statements import StatementLog

log = StatementLog()
# Before any module of the product is imported.
log.install()

from bot import wiring  # noqa: E402
from bot.cli import run  # noqa: E402
from bot.desk.worker import WorkerTimings  # noqa: E402
from bot.store.outbox import SqlOutbox  # noqa: E402

POLL_INTERVAL_SECONDS = 3_600.0
MILLISECONDS = 1_000
claims: list[int] = []


def note_claims() -> None:
    """Note how many messages each claim returns."""
    genuine = SqlOutbox.claim

    def claim(self: SqlOutbox, *arguments: Any, **named: Any) -> Any:
        messages = genuine(self, *arguments, **named)
        if log.is_on:
            claims.append(len(messages))
        return messages

    SqlOutbox.claim = claim  # type: ignore[method-assign]


def silence() -> None:
    """Run no job of the scheduler, and let no worker look by itself."""
    wiring.build_jobs = lambda *_, **__: []  # type: ignore[assignment]
    wiring.WorkerTimings = partial(  # type: ignore[misc, assignment]
        WorkerTimings, poll_interval=POLL_INTERVAL_SECONDS
    )


def start() -> dict[str, Any]:
    """Begin to note statements and claims, anew."""
    log.statements.clear()
    claims.clear()
    log.is_on = True
    return {}


def stop() -> dict[str, Any]:
    """End it, and tell them."""
    log.is_on = False
    rows = [[each.database, each.thread, each.text, each.rows] for each in log.statements]
    return {"statements": rows, "claims": list(claims)}


def progress() -> dict[str, Any]:
    """Tell how many statements were noted."""
    return {"statements": len(log.statements)}


def threads() -> dict[str, Any]:
    """Tell the name of every thread by its native id."""
    names = {str(thread.native_id): thread.name for thread in threading.enumerate()}
    return {"names": names}


def profile() -> dict[str, Any]:
    """Begin to profile the CPU time of every Python thread."""
    # Only a profile needs it.
    import yappi

    yappi.set_clock_type("cpu")
    yappi.start(builtins=True, profile_threads=True)
    return {}


def end_profile() -> dict[str, Any]:
    """End it, and tell calls and CPU time of each Python function without its callees.

    What is written in C is a part of the function that calls it.
    """
    import yappi

    yappi.stop()
    rows = []
    for function in yappi.get_func_stats():
        if function.builtin:
            # It counts with its callers.
            continue
        c_calls = 0
        seconds = function.tsub
        for child in function.children:
            if child.builtin:
                c_calls += child.ncall
                seconds += child.tsub
        place = f"{function.module}:{function.name}"
        rows.append((place, function.ncall, c_calls, seconds * MILLISECONDS))
    yappi.clear_stats()
    return {"functions": rows}


COMMANDS: dict[str, Callable[[], dict[str, Any]]] = {
    "start": start,
    "stop": stop,
    "progress": progress,
    "threads": threads,
    "profile": profile,
    "end profile": end_profile,
}


def serve() -> None:
    """Answer commands until standard input ends, and end the process then."""
    for line in sys.stdin:
        answer = COMMANDS[line.strip()]()
        print(json.dumps(answer), flush=True)
    os._exit(0)


def main() -> None:
    """Run the bot."""
    note_claims()
    silence()
    threading.Thread(target=serve, name="bench-control", daemon=True).start()
    run.run()


if __name__ == "__main__":
    main()
