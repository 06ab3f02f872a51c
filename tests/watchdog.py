"""End every process that a test run leaves behind, however it ended.

``tests.servers.watch_children`` starts this beside pytest. It notes all descendants of that
process several times a second. When standard input closes, because pytest ended or was killed,
it ends those that are left, orphans of killed parents among them. A line on standard input asks
for the commands of those that are there now.
"""

import contextlib
import os
import select
import sys
import time
from collections import defaultdict

import psutil

POLL_SECONDS = 0.25
# Long enough for PostgreSQL to close its files, and for a program to remove its socket.
TERMINATE_SECONDS = 5.0


class Watchdog:
    """Remembers the descendants of one process."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._descendants: set[psutil.Process] = set()

    def look(self) -> set[psutil.Process]:
        """Return the descendants that are alive, also those whose parents are gone."""
        children = _children_by_parent()
        ancestors = [self._root, *self._descendants]
        while ancestors:
            ancestor = ancestors.pop()
            # The id of a process that is gone may be another one's by now.
            if not ancestor.is_running():
                continue
            for child in children[ancestor.pid]:
                if child not in self._descendants:
                    self._descendants.add(child)
                    ancestors.append(child)
        self._descendants = {child for child in self._descendants if _is_alive(child)}
        return self._descendants

    def end_all(self) -> None:
        """Terminate what is left, and kill what does not end in time."""
        for process in self.look():
            # A suspended process takes no other signal.
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()
                process.terminate()
        deadline = time.monotonic() + TERMINATE_SECONDS
        while self.look():
            if time.monotonic() > deadline:
                for process in self.look():
                    with contextlib.suppress(psutil.NoSuchProcess):
                        process.kill()
            time.sleep(POLL_SECONDS)


def _children_by_parent() -> dict[int, list[psutil.Process]]:
    children = defaultdict(list)
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.pid != os.getpid():
                children[process.ppid()].append(process)
    return children


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _describe(process: psutil.Process) -> str:
    try:
        return f"{process.pid} {' '.join(process.cmdline())}"
    except psutil.NoSuchProcess:
        return ""


def main() -> None:
    """Watch the process of this id until standard input closes."""
    watchdog = Watchdog(int(sys.argv[1]))
    while True:
        descendants = watchdog.look()
        readable, _, _ = select.select([sys.stdin], [], [], POLL_SECONDS)
        if not readable:
            continue
        if not sys.stdin.buffer.raw.readline():
            break
        descendants = watchdog.look()
        print("\t".join(filter(None, map(_describe, descendants))), flush=True)
    watchdog.end_all()


if __name__ == "__main__":
    main()
