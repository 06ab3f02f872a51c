"""What happens to cases is counted when it is durable, once."""

from datetime import timedelta

import pytest

from bot.cases.desk_kinds import ASSISTANT, DESK_SOURCE
from bot.cases.errors import Conflict
from bot.ports.case_store import Change
from tests.desk.test_probes import put, refused, with_probes
from tests.metric_samples import sample


def figures(kind="low_stock"):
    return {
        "opened": sample("countersign_cases_opened_total", kind=kind),
        "decided": sample("countersign_decision_seconds_count", kind=kind),
        "decision seconds": sample("countersign_decision_seconds_sum", kind=kind),
        "ended": sample("countersign_resolution_seconds_count", kind=kind),
        "by people": sample(
            "countersign_cases_ended_total", kind=kind, state="resolved", alone="false"
        ),
        "alone": sample("countersign_cases_ended_total", kind=kind, state="resolved", alone="true"),
    }


def grown(before):
    return {name: value - before[name] for name, value in figures().items()}


def test_a_case_is_counted_when_it_opens_is_decided_and_ends(small_world):
    before = figures()
    case = small_world.proposed()
    assert grown(before)["opened"] == 1
    small_world.clock.forward(seconds=90)
    small_world.approve(case)
    assert (grown(before)["decided"], grown(before)["decision seconds"]) == (1, pytest.approx(90))
    small_world.work()
    assert small_world.case(case).is_terminal
    assert grown(before) == {
        "opened": 1,
        "decided": 1,
        "decision seconds": pytest.approx(90),
        "ended": 1,
        "by people": 1,
        "alone": 0,
    }


def test_a_change_that_is_not_written_is_not_counted(small_world):
    case = small_world.proposed()
    before = figures()
    entries = tuple(small_world.store.cases.entries(case.id))
    lost = Change(before=None, entries=entries, after=case)
    with pytest.raises(Exception, match="UNIQUE"):
        small_world.store.cases.commit(lost)
    small_world.approve(case)
    stale = Change(before=case, entries=entries[-1:], after=case)
    with pytest.raises(Conflict):
        small_world.store.cases.submit(stale).result()
    assert (grown(before)["opened"], grown(before)["decided"]) == (0, 1)


def test_signals_are_counted_by_source_and_outcome(small_world):
    def count(outcome):
        return sample("countersign_signals_total", source="api", outcome=outcome)

    before = count("opened"), count("counted"), count("duplicate")
    signal = small_world.signal()
    small_world.receive(signal)
    small_world.receive(signal)
    small_world.clock.forward(seconds=timedelta(minutes=5).total_seconds())
    small_world.receive(small_world.signal())
    after = count("opened"), count("counted"), count("duplicate")
    assert [new - old for new, old in zip(after, before, strict=True)] == [1, 1, 1]


def test_decisions_about_the_assistant_are_one_kind_and_practice_is_none(small_world):
    before, other = figures(), figures(ASSISTANT)
    world = with_probes(small_world)
    refused(world)
    grown_once = grown(before)["opened"]
    world.receive(world.signal(kind="stage_of_low_stock", source=DESK_SOURCE))
    world.clock.forward(days=20)
    world.approve(put(world), "omar")
    world.work()
    assert grown(before)["opened"] == grown_once == 1
    after = figures(ASSISTANT)
    assert (after["opened"] - other["opened"], after["ended"] - other["ended"]) == (1, 0)
