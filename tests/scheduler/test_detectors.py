"""Detectors: one case for each row, and for each silence."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cases.lifecycle import State
from bot.cases.playbook import Absence
from bot.cases.signal import Signal, SignalStatus
from bot.desk.intake import judge
from bot.ports.case_store import ReceiptOutcome
from scheduler.detectors import AbsenceDetector, Detector
from tests.fakes.directory import principal
from tests.world import request

ROW = {
    "subject": "product:1",
    "title": "Merlot is running low",
    "product_id": 1,
    "product": "Merlot",
    "on_hand": 4,
    "quantity": 24,
    "at_risk": 312.5,
}


@pytest.fixture
def detector(world):
    world.house.rows = [ROW]
    book = world.library.book
    return Detector(
        playbook=book,
        detection=book.detection,
        systems={"house": world.house},
        queries=world.store.queries,
        intake=world.desk.intake,
        clock=world.clock,
    )


def test_a_row_is_one_case_however_often_it_is_seen(detector, world):
    assert [detector.poll() for _ in range(3)] == [1, 0, 0]
    case = world.store.cases.case("EX-1")
    assert (case.signal.source, case.signal.facts["product_id"], case.activity.signal_count) == (
        "house",
        1,
        1,
    )


def test_a_row_that_changed_counts_on_the_same_case(detector, world):
    detector.poll()
    world.house.rows = [{**ROW, "on_hand": 2}]
    assert detector.poll() == 0
    assert world.store.cases.case("EX-1").activity.signal_count == 2


def test_a_row_that_is_gone_clears_its_case_and_one_that_comes_back_reopens_it_every_time(
    detector, world
):
    for times in range(1, 4):
        detector.poll()
        world.work()
        assert world.store.cases.case("EX-1").state is State.PROPOSED
        world.house.rows = []
        detector.poll()
        assert world.store.cases.case("EX-1").state is State.CLEARED
        detector.poll()
        assert (
            world.store.queries.count_clearings([world.store.cases.case("EX-1").signal.fingerprint])
            == times
        )
        world.house.rows = [ROW]
        world.clock.forward(minutes=5)
    assert set(world.store.queries.counts()) == {"CLEARED"}


def test_a_system_that_cannot_be_read_is_no_all_clear(detector, world):
    detector.poll()
    world.house.failing_lookups.add("SELECT")
    assert detector.poll() == 0
    assert world.store.cases.case("EX-1").state is State.OPEN


def test_a_system_that_cannot_be_read_is_told_until_it_is_read_again(detector, world):
    blind_detectors, now = detector.blind_detectors, world.clock
    assert blind_detectors.describe(now()) == []
    world.house.failing_lookups.add("SELECT")
    detector.poll()
    sentence = "The system house cannot be read, so nobody looks for low_stock"
    assert blind_detectors.describe(now()) == [sentence]
    world.house.failing_lookups.clear()
    detector.poll()
    assert blind_detectors.describe(now()) == []
    # Where another process looks from now on, the last failure here says nothing any more.
    world.house.failing_lookups.add("SELECT")
    detector.poll()
    world.clock.forward(hours=24)
    assert blind_detectors.describe(now()) == []


def test_what_is_being_carried_out_is_not_cleared_under_its_feet(detector, world):
    detector.poll()
    world.work()
    world.desk.decisions.approve(request("EX-1", principal("ana"), world.seen("EX-1")))
    world.house.rows = []
    detector.poll()
    assert world.store.cases.case("EX-1").state is State.APPROVED


# Silences


def absence_detector(world, hours=26, origin="api"):
    absence = Absence(
        subjects=("till:quay", "till:vine"),
        title="No takings from {subject}",
        within=timedelta(hours=hours),
        every=timedelta(minutes=15),
        origin=origin,
    )
    return AbsenceDetector(
        playbook=world.library.playbook("takings"),
        absence=absence,
        queries=world.store.queries,
        intake=world.desk.intake,
        clock=world.clock,
        since=world.clock(),
    )


def receive_word(world, subject, number, source="api", domain=""):
    signal = Signal(
        source=source,
        key=f"w{number}",
        kind="takings",
        subject=subject,
        title="takings",
        occurred_at=None,
        facts={},
        status=SignalStatus.CLEAR,
        domain=domain,
    )
    return world.desk.intake.receive(signal, b"")


def test_a_silence_opens_one_case_and_the_first_word_closes_it(world):
    silence = absence_detector(world)
    receive_word(world, "till:vine", 1)
    assert silence.poll() == 0
    world.clock.forward(hours=20)
    receive_word(world, "till:vine", 2)
    world.clock.forward(hours=7)
    assert [silence.poll(), silence.poll()] == [1, 0]
    (case,) = world.store.queries.newest()
    assert (case.signal.title, case.signal.subject) == ("No takings from till:quay", "till:quay")
    world.work()
    receive_word(world, "till:quay", 3)
    assert world.case(case).state is State.CLEARED
    assert silence.poll() == 0
    world.clock.forward(hours=27)
    assert silence.poll() == 2


def test_a_new_absence_playbook_does_not_cry_at_once(world):
    silence = absence_detector(world)
    world.clock.forward(hours=25)
    assert silence.poll() == 0


@pytest.mark.threat("A6")
def test_only_the_source_that_ought_to_be_heard_of_ends_a_silence(world):
    silence = absence_detector(world)
    world.clock.forward(hours=27)
    receive_word(world, "till:quay", 1, source="stranger")
    assert silence.poll() == 2
    world.work()
    receive_word(world, "till:quay", 2, source="stranger")
    assert world.store.queries.counts() == {"REFERRED": 2}
    receive_word(world, "till:quay", 3)
    assert world.store.queries.counts() == {"REFERRED": 1, "CLEARED": 1}


@pytest.mark.threat("A6")
def test_a_silence_of_a_domain_is_ended_by_any_of_its_sources(world):
    silence = absence_detector(world, origin="tills")
    world.clock.forward(hours=27)
    assert silence.poll() == 2
    world.work()
    receive_word(world, "till:quay", 1, source="old-tills", domain="tills")
    receive_word(world, "till:vine", 2, source="new-tills", domain="tills")
    assert world.store.queries.counts() == {"CLEARED": 2}


@pytest.mark.threat("A6")
def test_a_silence_opened_before_its_source_was_declared_ends_with_the_first_word_too(world):
    former = Signal(
        source="absence",
        key="till:quay@then",
        kind="takings",
        subject="till:quay",
        title="No takings",
        occurred_at=None,
        facts={},
    )
    world.receive(former)
    world.work()
    silence = absence_detector(world)
    world.clock.forward(hours=27)
    silence.poll()
    (case,) = [case for case in world.store.queries.newest() if case.signal.subject == "till:quay"]
    assert case.state is State.REFERRED
    receive_word(world, "till:quay", 1)
    assert silence.poll() == 0
    assert world.case(case).state is State.CLEARED


# Sources and domains


@pytest.mark.threat("A6")
def test_a_stranger_neither_clears_nor_counts_on_what_a_detector_opened(detector, world):
    detector.poll()
    world.work()
    stranger = world.signal("product:1", source="api")
    assert world.clear(stranger).outcome is ReceiptOutcome.IGNORED
    assert world.store.cases.case("EX-1").state is State.PROPOSED
    assert world.receive(stranger).case_id == "EX-2"
    assert (
        world.store.cases.case("EX-1").activity.signal_count,
        world.store.cases.case("EX-1").version,
    ) == (1, 3)


@pytest.mark.threat("A6")
def test_a_source_of_the_same_domain_clears_what_a_detector_opened(detector, world):
    in_domain = replace(detector, detection=replace(detector.detection, domain="stock"))
    in_domain.poll()
    world.work()
    assert (
        world.clear(world.signal("product:1", source="scanner", domain="stock")).case_id == "EX-1"
    )
    assert world.store.cases.case("EX-1").state is State.CLEARED
    world.clock.forward(minutes=5)
    in_domain.poll()
    assert world.store.cases.case("EX-1").activity.signal_count == 2


@pytest.mark.threat("A6")
def test_a_detector_that_joins_a_domain_goes_on_with_its_open_cases(detector, world):
    detector.poll()
    world.work()
    in_domain = replace(detector, detection=replace(detector.detection, domain="stock"))
    assert in_domain.poll() == 0
    world.house.rows = []
    in_domain.poll()
    assert world.store.cases.case("EX-1").state is State.CLEARED
    world.house.rows = [ROW]
    assert in_domain.poll() == 0
    assert (
        world.store.cases.case("EX-1").state,
        world.store.cases.case("EX-1").activity.signal_count,
    ) == (
        State.OPEN,
        2,
    )


@pytest.mark.threat("A6")
def test_the_rule_does_not_hang_on_a_hash_alone(world):
    case, playbook = world.proposed(), world.library.book
    stranger = world.signal("product:1", source="stranger")
    opening = judge(case, "EX-2", stranger, playbook, world.clock())
    assert (opening.before, opening.entries[0].case_id) == (None, "EX-2")
    clear = replace(stranger, status=SignalStatus.CLEAR)
    assert judge(case, "EX-2", clear, playbook, world.clock()) is None


@pytest.mark.threat("C1")
def test_a_row_with_a_subject_beyond_all_measure_holds_up_no_other_row(detector, world):
    long = [{**ROW, "subject": "x" * 9000 + end} for end in "ab"]
    world.house.rows = [*long, {**ROW, "subject": "product:\x002"}, ROW]
    assert [detector.poll(), detector.poll()] == [4, 0]
    world.work()
    world.house.rows = [ROW]
    detector.poll()
    assert world.store.queries.counts() == {"CLEARED": 3, "PROPOSED": 1}
