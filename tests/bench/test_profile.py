"""Where CPU time is attributed to."""

import pytest

from tests.bench.components import REST, component_of
from tests.bench.cpu import OTHER_PROCESSES
from tests.bench.profile import NATIVE_THREADS, Function, make_profile


@pytest.mark.parametrize(
    ("place", "component"),
    [
        ("/x/site-packages/sqlalchemy/engine/base.py:execute", "SQLAlchemy"),
        ("/x/tests/bench/statements.py:NotingCursor.execute", "SQLite"),
        ("/x/site-packages/onnxruntime/capi/inference.py:run", "embedding"),
        ("/x/knowledge/memory/precedent_index.py:search", "memory"),
        ("/x/bot/store/unit_of_work.py:append", "writer and transactions"),
        ("/x/bot/cases/decide.py:decide", "rules"),
        ("/x/handlers/cards/case_card.py:case_card", "cards"),
        ("/x/lib/python3.11/threading.py:Condition.wait", "threads"),
        ("/x/lib/python3.11/copy.py:copy", REST),
    ],
)
def test_a_function_belongs_to_a_component(place, component):
    assert component_of(place) == component


def test_the_profilers_own_time_is_charged_to_the_calls():
    functions = [
        Function(place="/x/bot/cases/decide.py:decide", milliseconds=12.0, calls=100),
        Function(place="/x/bot/desk/intake.py:receive", milliseconds=9.0, calls=10),
    ]
    # 10 ms without the profiler, so that each of 110 calls took 0.1 ms more.
    threads = {"lane-desk": 10.0, "native: tantivy": 1.0, OTHER_PROCESSES: 3.0}
    profile = make_profile(functions, threads)
    assert profile.total == 14.0
    assert profile.components[OTHER_PROCESSES] == 3.0
    assert profile.overhead == pytest.approx(11.0)
    assert profile.components[NATIVE_THREADS] == 1.0
    assert profile.components["rules"] == pytest.approx(2.0)
    assert profile.components["desk"] == pytest.approx(8.0)
    assert sum(profile.components.values()) == pytest.approx(profile.total)


def test_no_function_takes_less_than_nothing():
    functions = [
        Function(place="/x/bot/cases/decide.py:decide", milliseconds=1.0, calls=1_000),
        Function(place="/x/bot/desk/intake.py:receive", milliseconds=9.0, calls=1),
    ]
    profile = make_profile(functions, {"lane-desk": 5.0})
    assert min(profile.components.values()) >= 0
    assert sum(profile.components.values()) == pytest.approx(5.0)
