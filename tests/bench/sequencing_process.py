"""A writer or the integrator of the sequencing bench, as a process of its own.

It says that it is ready in a line, begins with the next line that it reads, and ends with a line of
JSON: when each entry was committed or placed, and what that took.
"""

import contextlib
import json
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

from tests.bench.sequencing import Integrator, Key, Writer, connect

#: The integrator looks again so soon after it found nothing.
POLL_SECONDS = 0.005


def main() -> None:
    options = json.loads(sys.argv[1])
    connection = connect(options["url"], commit_delay=options["commit_delay"])
    with contextlib.closing(connection):
        if options["does"] == "write":
            _write(Writer(connection, options["name"], has_head=options["has_head"]), options)
        else:
            _integrate(Integrator(connection=connection))


def _write(writer: Writer, options: Mapping[str, Any]) -> None:
    """Commit decisions for a while."""
    writer.open_cases()
    # The first transaction prepares the statements, and is not measured.
    writer.write(options["batch"])
    writer.committed_at.clear()
    writer.head_seconds.clear()
    _wait_for_start()
    cpu_before = time.process_time()
    end = time.monotonic() + options["seconds"]
    while time.monotonic() < end:
        writer.write(options["batch"])
    _tell(writer.committed_at, time.process_time() - cpu_before, head_seconds=writer.head_seconds)


def _integrate(integrator: Integrator) -> None:
    """Place what the writers commit, until nothing is left after their end."""
    if not integrator.lead():
        sys.exit("another integrator leads")
    _wait_for_start()
    cpu_before = time.process_time()
    ending = threading.Event()
    threading.Thread(target=_wait_for_end, args=[ending], daemon=True).start()
    while True:
        is_ending = ending.is_set()
        if not integrator.integrate():
            if is_ending:
                break
            time.sleep(POLL_SECONDS)
    _tell(integrator.placed_at, time.process_time() - cpu_before)


def _wait_for_start() -> None:
    print("ready", flush=True)
    sys.stdin.readline()


def _wait_for_end(ending: threading.Event) -> None:
    sys.stdin.read()
    ending.set()


def _tell(times: Mapping[Key, float], cpu_seconds: float, **more: Any) -> None:
    rows = [(*key, at) for key, at in times.items()]
    print(json.dumps({"times": rows, "cpu_seconds": cpu_seconds, **more}), flush=True)


if __name__ == "__main__":
    main()
