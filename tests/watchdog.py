"""End every process that a test run leaves behind, however it ended.

``tests.servers.watch_children`` starts this beside pytest. It notes all descendants of that
process several times a second. When standard input closes, because pytest ended or was killed,
it ends those that are left, orphans of killed parents among them. A line on standard input asks
for the commands of those that are there now.
"""

import contextlib
import os
import select
import signal
import sys
import time

POLL_SECONDS = 0.25
REPEATED_LOOKS = 4
# Long enough for PostgreSQL to close its files, and for a program to remove its socket.
TERMINATE_SECONDS = 5.0


class Watchdog:
    """Remembers the descendants of one process."""

    def __init__(self, pid: int) -> None:
        self._root = pid
        self._root_start_time = _start_time(pid)
        #: When each was started, by its id: a process that is gone may leave its id to another.
        self._descendants: dict[int, str] = {}

    def look(self) -> list[int]:
        """Return the ids of living descendants, also of those whose parents are gone."""
        self._descendants = {
            pid: start_time
            for pid, start_time in self._descendants.items()
            if start_time == _start_time(pid)
        }
        ancestors = list(self._descendants)
        if self._root_start_time == _start_time(self._root):
            ancestors.append(self._root)
        while ancestors:
            for pid in _children_of(ancestors.pop()):
                if pid in self._descendants or pid == os.getpid():
                    continue
                start_time = _start_time(pid)
                if start_time:
                    self._descendants[pid] = start_time
                    ancestors.append(pid)
        return list(self._descendants)

    def end_all(self) -> None:
        """Terminate what is left, and kill what does not end in time."""
        for pid in self.look():
            # A suspended process takes no other signal.
            _send(pid, signal.SIGCONT)
            _send(pid, signal.SIGTERM)
        deadline = time.monotonic() + TERMINATE_SECONDS
        while pids := self.look():
            if time.monotonic() > deadline:
                for pid in pids:
                    _send(pid, signal.SIGKILL)
            time.sleep(POLL_SECONDS)


def _send(pid: int, signal_number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal_number)


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def _start_time(pid: int) -> str:
    """Return when a process was started; an empty text when it has ended."""
    try:
        stat = _read(f"/proc/{pid}/stat")
    except OSError:
        return ""
    # The name of the program, in parentheses, may hold anything.
    state, *fields = stat.rpartition(")")[2].split()
    return "" if state in "ZX" else fields[18]


def _children_of(pid: int) -> list[int]:
    """Return the ids of the children of a process; none when it is gone."""
    children: list[int] = []
    # Read from here, because a look at all processes of the machine is slow, and this one is
    # repeated all the time.
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            # A thread, too, may be gone by now.
            with contextlib.suppress(OSError):
                children += map(int, _read(f"/proc/{pid}/task/{thread}/children").split())
    return children


def _describe(pid: int) -> str:
    try:
        command = _read(f"/proc/{pid}/cmdline")
    except OSError:
        return ""
    words = command.removesuffix("\0").replace("\0", " ")
    return f"{pid} {words}"


def main() -> None:
    """Watch the process of this id until standard input closes."""
    watchdog = Watchdog(int(sys.argv[1]))
    while True:
        watchdog.look()
        readable, _, _ = select.select([sys.stdin], [], [], POLL_SECONDS)
        if not readable:
            continue
        if not sys.stdin.buffer.raw.readline():
            break
        # The kernel may leave a child out of its list while another one ends.
        for _ in range(REPEATED_LOOKS):
            watchdog.look()
        print("\t".join(filter(None, map(_describe, watchdog.look()))), flush=True)
    watchdog.end_all()


if __name__ == "__main__":
    main()
