"""``make bench ARGS=profile``: where the CPU time of a case and of a press goes.

yappi counts the CPU time of each Python function in every thread, without its callees; what is
written in C counts with the function that calls it. Threads of native libraries (Chroma, Tantivy)
have no functions: their time stands by itself.

The profiler makes dearer what has many calls. So the same is timed without it as well, and each
call, of C too, is charged the same share of the difference.
"""

import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.components import component_of
from tests.bench.counts import PRESS_WAIT_SECONDS, Meter, Visitor, pause_after_press, warm_up
from tests.bench.cpu import NATIVE, OTHER_PROCESSES
from tests.bench.rig import Rig, open_product, running

ROOT = Path(__file__).parents[2]
CASES = 30
PRESSES = 10
NATIVE_THREADS = "native threads"
MAX_FUNCTIONS = 40
BISECTIONS = 40
PREFIX = re.compile(rf"^.*/(?:site-packages|python3\.\d+)/|^{re.escape(str(ROOT))}/")


@dataclass(frozen=True, kw_only=True)
class Function:
    """CPU milliseconds and calls of a function for one case or one press."""

    place: str
    milliseconds: float
    calls: float
    #: What it calls that is written in C, which counts with it.
    c_calls: float = 0.0

    @property
    def events(self) -> float:
        """Return what the profiler has noted: each costs about the same."""
        return self.calls + self.c_calls


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The CPU milliseconds of one case or one press."""

    #: Without the profiler.
    total: float
    #: Without the profiler's share, by component.
    components: dict[str, float]
    #: What the profiler added.
    overhead: float
    #: The dearest first.
    functions: list[Function]


def run_profile() -> dict[str, Profile]:
    """Profile idle cases and presses, each first without the profiler."""
    with running(open_product, is_instrumented=True) as rig:
        meter = Meter(rig)
        visitor = Visitor(rig)
        warm_up(meter, visitor)

        def send() -> None:
            visitor.send_and_wait(visitor.signals(CASES))

        def press() -> None:
            visitor.approve_and_wait(visitor.waiting_cards(PRESSES), pause_after_press)

        return {
            "case": _profile(rig, meter, send, CASES, wait=1.0),
            "press": _profile(rig, meter, press, PRESSES, wait=PRESS_WAIT_SECONDS),
        }


def _profile(
    rig: Rig, meter: Meter, act: Callable[[], object], units: int, *, wait: float
) -> Profile:
    threads = meter.time(act, units, wait=wait)
    program = rig.programs[0]
    program.ask("profile")
    act()
    time.sleep(wait)
    rows = program.ask("end profile")["functions"]
    functions = [
        Function(
            place=place,
            milliseconds=milliseconds / units,
            calls=calls / units,
            c_calls=c_calls / units,
        )
        for place, calls, c_calls, milliseconds in rows
    ]
    return make_profile(functions, threads)


def make_profile(functions: Iterable[Function], threads: Mapping[str, float]) -> Profile:
    """Charge the profiler's time to the calls, and sum by component.

    ``threads`` is what each sort of thread spends without the profiler.
    """
    functions = list(functions)
    others = threads.get(OTHER_PROCESSES, 0.0)
    native = sum(time for name, time in threads.items() if name.startswith(NATIVE))
    total = sum(threads.values())
    in_python = total - native - others
    share = _overhead_of_a_call(functions, in_python)
    components: defaultdict[str, float] = defaultdict(float)
    components[NATIVE_THREADS] = native
    components[OTHER_PROCESSES] = others
    corrected = []
    for each in functions:
        milliseconds = max(0.0, each.milliseconds - share * each.events)
        components[component_of(each.place)] += milliseconds
        corrected.append(replace(each, milliseconds=milliseconds))
    corrected.sort(key=lambda each: -each.milliseconds)
    ordered = sorted(components.items(), key=lambda each: -each[1])
    return Profile(
        total=total,
        components=dict(ordered),
        overhead=sum(each.milliseconds for each in functions) - in_python,
        functions=corrected[:MAX_FUNCTIONS],
    )


def _overhead_of_a_call(functions: Sequence[Function], total: float) -> float:
    """Return what to deduct for each event, so that the rest is the time without the profiler."""
    low = 0.0
    high = max((each.milliseconds / each.events for each in functions if each.events), default=0.0)
    for _ in range(BISECTIONS):
        share = (low + high) / 2
        rest = sum(max(0.0, each.milliseconds - share * each.events) for each in functions)
        if rest > total:
            low = share
        else:
            high = share
    return high


def print_profile(profiles: Mapping[str, Profile], out: Console) -> None:
    """Print the components of a case and of a press, and their dearest functions."""
    table = Table("component", *(f"ms a {name}" for name in profiles), title="CPU by component")
    names = dict.fromkeys(name for each in profiles.values() for name in each.components)
    for name in names:
        table.add_row(name, *(f"{each.components.get(name, 0):.2f}" for each in profiles.values()))
    table.add_section()
    totals = (f"{each.total:.2f}" for each in profiles.values())
    table.add_row("all", *totals)
    overheads = (f"{each.overhead:.2f}" for each in profiles.values())
    table.add_row("what the profiler added", *overheads)
    out.print(table)
    for name, profile in profiles.items():
        out.print(_functions(name, profile))


def _functions(name: str, profile: Profile) -> Table:
    title = f"The dearest functions of a {name}"
    table = Table("ms", "calls", "calls of C in it", "function", title=title)
    for function in profile.functions:
        table.add_row(
            f"{function.milliseconds:.3f}",
            f"{function.calls:.1f}",
            f"{function.c_calls:.1f}",
            _short(function.place),
        )
    return table


def _short(place: str) -> str:
    """Return a place without the folder of the project or of the packages."""
    return PREFIX.sub("", place)
