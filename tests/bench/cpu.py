"""CPU time of processes and of their threads, as Linux counts it."""

import contextlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import psutil

NATIVE = "native"
OTHER_PROCESSES = "other processes"
NANOSECONDS_PER_MILLISECOND = 1_000_000
NUMBER = re.compile(r"[-_ ]\d+.*$")


def process_milliseconds(pids: Iterable[int]) -> float:
    """Return the CPU time of these processes and all their descendants; to 10 ms."""
    total = 0.0
    for pid in pids:
        process = psutil.Process(pid)
        for each in (process, *process.children(recursive=True)):
            try:
                times = each.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += times.user + times.system
    return total * 1000


def thread_milliseconds(pid: int) -> dict[str, tuple[str, float]]:
    """Return sort and CPU time of every thread of a process by its native id, exactly.

    The threads of processes that it has started are there as well.
    """
    times = {}
    for child in psutil.Process(pid).children(recursive=True):
        for task, _, milliseconds in _tasks(child.pid):
            times[task] = (OTHER_PROCESSES, milliseconds)
    for task, command, milliseconds in _tasks(pid):
        times[task] = (f"{NATIVE}: {command}", milliseconds)
    return times


def _tasks(pid: int) -> Iterator[tuple[str, str, float]]:
    """Iterate over id, command and CPU milliseconds of the threads of a process."""
    # It may end meanwhile, and so may any of its threads.
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                nanoseconds = int((task / "schedstat").read_text().split()[0])
                command = (task / "comm").read_text().strip()
                yield task.name, command, nanoseconds / NANOSECONDS_PER_MILLISECOND


def time_by_thread(
    before: Mapping[str, tuple[str, float]],
    after: Mapping[str, tuple[str, float]],
    names: Mapping[str, str],
) -> dict[str, float]:
    """Return what each sort of thread spent in between, the most first.

    ``names`` are those of Python's threads; the others belong to native libraries.
    """
    spent: defaultdict[str, float] = defaultdict(float)
    for task, (sort, milliseconds) in after.items():
        name = NUMBER.sub("", names[task]) if task in names else sort
        spent[name] += milliseconds - before.get(task, ("", 0.0))[1]
    ordered = sorted(spent.items(), key=lambda each: -each[1])
    return {name: time for name, time in ordered if time > 0}


def resident_megabytes(pids: Iterable[int]) -> list[float]:
    """Return the resident memory of each process and of each of their descendants."""
    sizes = []
    for pid in pids:
        process = psutil.Process(pid)
        for each in (process, *process.children(recursive=True)):
            try:
                sizes.append(each.memory_info().rss / 2**20)
            except psutil.NoSuchProcess:
                continue
    return sizes


def anonymous_megabytes(pid: int) -> float:
    """Return the memory of a process without the files that it maps, which others share."""
    return _rolled_up_megabytes(pid, "Anonymous")


def proportional_megabytes(pid: int) -> float:
    """Return the memory of a process; what several processes share is divided by their number."""
    return _rolled_up_megabytes(pid, "Pss")


def _rolled_up_megabytes(pid: int, name: str) -> float:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")
    size = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    assert size is not None
    return int(size[1]) / 1024
