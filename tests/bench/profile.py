"""``make bench ARGS=profile``: where the CPU time of a case and of a press goes.

yappi counts the CPU time of each function in every Python thread, without its callees. Threads of
native libraries (Chroma, Tantivy, onnxruntime) have no functions: their time stands by itself. The
profiler makes what has many calls look dearer, so the total without it is printed beside.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from tests.bench.components import component_of
from tests.bench.counts import PRESS_QUIET_SECONDS, Meter, Visitor, pause_after_press, warm_up
from tests.bench.rig import Rig, open_product, running

CASES = 30
PRESSES = 10
NATIVE = "native threads"
MAX_FUNCTIONS = 25


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The CPU milliseconds of one case or one press."""

    #: Without the profiler.
    total: float
    #: With it, by component.
    components: dict[str, float]
    #: With it, by function, the dearest first; and how often each is called.
    functions: dict[str, tuple[float, float]]


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
            "press": _profile(rig, meter, press, PRESSES, wait=PRESS_QUIET_SECONDS),
        }


def _profile(
    rig: Rig, meter: Meter, act: Callable[[], object], units: int, *, wait: float
) -> Profile:
    total = sum(meter.time(act, units, wait=wait).values())
    program = rig.programs[0]
    program.ask("profile")
    threads = meter.time(act, units, wait=wait)
    rows = program.ask("end profile")["functions"]
    components: defaultdict[str, float] = defaultdict(float)
    functions: dict[str, tuple[float, float]] = {}
    for place, calls, milliseconds in rows:
        components[component_of(place)] += milliseconds / units
        functions[place] = (milliseconds / units, calls / units)
    components[NATIVE] = sum(_native(threads).values())
    ordered = sorted(components.items(), key=lambda each: -each[1])
    dearest = sorted(functions.items(), key=lambda each: -each[1][0])[:MAX_FUNCTIONS]
    return Profile(total=total, components=dict(ordered), functions=dict(dearest))


def _native(threads: Mapping[str, float]) -> dict[str, float]:
    return {name: time for name, time in threads.items() if name.startswith("native")}


def print_profile(profiles: Mapping[str, Profile], out: Console) -> None:
    """Print the components of a case and of a press, and their dearest functions."""
    table = Table("component", *(f"ms a {name}" for name in profiles), title="CPU by component")
    names = dict.fromkeys(name for each in profiles.values() for name in each.components)
    for name in names:
        table.add_row(name, *(f"{each.components.get(name, 0):.2f}" for each in profiles.values()))
    table.add_section()
    sums = (sum(each.components.values()) for each in profiles.values())
    table.add_row("all, with the profiler", *(f"{each:.2f}" for each in sums))
    table.add_row("all, without the profiler", *(f"{each.total:.2f}" for each in profiles.values()))
    out.print(table)
    for name, profile in profiles.items():
        out.print(_functions(name, profile))


def _functions(name: str, profile: Profile) -> Table:
    table = Table("ms", "calls", "function", title=f"The dearest functions of a {name}")
    for place, (time, calls) in profile.functions.items():
        table.add_row(f"{time:.3f}", f"{calls:.1f}", place)
    return table
