"""The sample company's past: a real ledger, with precedents, an index and trained models."""

import contextlib
import sqlite3
import subprocess
import sys
from collections import Counter

import psutil
import pytest

from bot.advisors import open_knowledge
from bot.audit.replay import replay
from bot.cases.autonomy import gate_to
from bot.cases.desk_kinds import DESK_SOURCE, is_stage_kind, stage_kind
from bot.cases.policy import Stage
from bot.cases.review import ReviewVerdict
from bot.clock import utc_now
from bot.demo.environment import sample_settings
from bot.demo.notes import NOTES
from bot.demo.training import SampleTraining
from bot.preflight import open_library
from bot.settings import inherit
from bot.storage import open_store
from knowledge.learning.model_file import load_model
from tests.waiting import wait_until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]
#: What asks people today, with the action that would run alone.
PROMOTABLE = {
    "booking_no_cover": "house.assign_cover",
    "low_stock": "house.order_stock",
    "invoice_no_order": "house.hold_invoice",
}
ENDED = {"RESOLVED", "REJECTED", "CLEARED", "EXPIRED"}


def rows(folder, query):
    with contextlib.closing(sqlite3.connect(folder / "countersign.db")) as database:
        return database.execute(query).fetchall()


def test_a_year_of_every_kind_has_ended_in_every_way(sample_data):
    states = Counter(
        dict(rows(sample_data.folder, "SELECT state, count(*) FROM cases GROUP BY state"))
    )
    kinds = {kind for (kind,) in rows(sample_data.folder, "SELECT DISTINCT kind FROM cases")}
    assert {kind for kind in kinds if not is_stage_kind(kind)} == set(NOTES)
    assert set(states) <= ENDED
    assert states.total() > 350
    assert min(states[state] for state in ("RESOLVED", "REJECTED", "CLEARED")) > 20
    waiting = rows(sample_data.folder, "SELECT topic FROM outbox WHERE state <> 'done'")
    assert waiting == []


def test_three_cases_in_ten_ran_alone_and_what_may_was_decided_on_its_record(sample_data):
    ran_alone, total = rows(sample_data.folder, "SELECT sum(is_automatic), count(*) FROM cases")[0]
    assert 0.25 <= ran_alone / total <= 0.35
    store = open_store(sample_settings(sample_data.folder, ""))
    with contextlib.closing(store.database):
        controls = store.desk_controls.load()
        stages = {record.kind: record for record in controls.stages}
        assert stages["task_no_evidence"].stage is Stage.AUTONOMOUS
        assert stages["service_note_open"].stage is Stage.AUTONOMOUS
        demotion = stages["booking_no_cover"]
        assert demotion.stage is Stage.SUPERVISED
        assert demotion.is_demotion
        # A case that was reviewed, and found wrong.
        mistake = store.cases.case(demotion.on_case)
        assert mistake.activity.review.verdict is ReviewVerdict.WRONG
        # Each promotion was earned: the evidence is in the ledger, and so is the person.
        promotion = stages["task_no_evidence"]
        assert promotion.by_name == "Elsie Grant"
        assert promotion.evidence.decisions >= 20
        assert not promotion.evidence.bad_cases


def test_one_promotion_waits_when_the_demo_starts(sample_data):
    """The kind that lost it has earned it anew; the running bot asks."""
    settings = sample_settings(sample_data.folder, "")
    store = open_store(settings)
    library = open_library(settings)
    now = sample_data.today
    with contextlib.closing(store.database):
        gates = {
            kind: gate_to(
                Stage.AUTONOMOUS,
                kind=kind,
                action=action,
                controls=store.desk_controls.load(),
                scores=store.decision_records.scores(
                    kind, action, now - library.policy().autonomy.window
                ),
                policy=library.policy(),
                now=now,
            )
            for kind, action in PROMOTABLE.items()
        }
        assert {kind for kind, gate in gates.items() if gate.is_open} == {"booking_no_cover"}
        assert gates["booking_no_cover"].misses
        assert store.queries.open_from(DESK_SOURCE, stage_kind("booking_no_cover")) == []


def test_its_ledger_can_be_verified(sample_data, sample_root):
    settings = sample_settings(sample_data.folder, "")
    store = open_store(settings)
    with contextlib.closing(store.database):
        assert replay(store.database).differences == ()
    verify = subprocess.run(
        [sys.executable, "-m", "bot", "ledger", "verify"],
        env={**inherit("PATH", "HOME"), **settings.environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert verify.returncode == 0, verify.stdout + verify.stderr


def test_its_memory_is_complete(sample_data):
    settings = sample_settings(sample_data.folder, "")
    store = open_store(settings)
    with contextlib.closing(store.database):
        knowledge = open_knowledge(
            settings=settings, store=store, library=open_library(settings), clock=utc_now
        )
        model = knowledge.model_file.model
        assert model.recogniser
        assert model.questions
        assert len(model.plans) > 3
        assert not knowledge.model_is_outdated()
        assert store.precedents.count() > 350


def test_a_new_year_takes_over_the_models_of_questions(sample_data, tmp_path):
    """Nothing is trained again whose examples are the same: the process waits for precedents."""
    memory = tmp_path / "memory"
    memory.mkdir()
    content = (sample_data.folder / "memory" / "model.npz").read_bytes()
    (memory / "model.npz").write_bytes(content)
    with contextlib.closing(SampleTraining(tmp_path)) as training:
        training.learn_from_precedents()
        training.wait()
    before = load_model(sample_data.folder / "memory").questions
    after = load_model(memory).questions
    assert after.version == before.version
    assert (after.asks.weights == before.asks.weights).all()


def test_a_training_ends_with_the_demo_that_was_killed(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from bot.demo.training import SampleTraining;"
        "print(SampleTraining(Path(sys.argv[1]))._process.pid, flush=True); time.sleep(600)"
    )
    demo = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    training = psutil.Process(int(demo.stdout.readline()))
    demo.kill()
    demo.wait(120)
    demo.stdout.close()
    wait_until(
        lambda: not training.is_running() or training.status() == psutil.STATUS_ZOMBIE,
        "the end of the training",
    )
