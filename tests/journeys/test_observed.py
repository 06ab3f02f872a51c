"""A bot of several processes is seen from outside: one trace a case, and one page of metrics."""

import urllib.request

import pytest

from bot.audit.checkpoints import Witness
from bot.clock import utc_now
from bot.demo.company import write_database
from bot.demo.people import STOCK
from bot.demo.processes import BotProcess
from bot.store.database import Database
from bot.store.store import Store
from bot.tracing import trace_id_of
from tests.fakes.collector import Collector
from tests.journeys.bots import sample_environment, send_low_stock
from tests.journeys.test_two_processes import _case_id
from tests.journeys.test_workers import approve
from tests.metric_samples import samples
from tests.waiting import wait_until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]


@pytest.fixture
def collector():
    collector = Collector()
    yield collector
    collector.close()


@pytest.fixture
def bot(emulator, collector, tmp_path):
    write_database(tmp_path / "company.db", utc_now().replace(tzinfo=None, microsecond=0))
    environment = sample_environment(
        tmp_path,
        emulator.url,
        COUNTERSIGN_DATA_DIR=str(tmp_path / "data"),
        COUNTERSIGN_ORIGIN="harbour",
        COUNTERSIGN_EMBEDDINGS="words",
        COUNTERSIGN_LOG_LEVEL="CRITICAL",
        COUNTERSIGN_STORM_AFTER="0",
        COUNTERSIGN_SLACK_PER_SECOND="0",
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        # The library's own variable.
        OTEL_BSP_SCHEDULE_DELAY="100",
    )
    running = BotProcess(environment, workers=3)
    running.start()
    wait_until(lambda: emulator.get("traffic")["connections"] == 1, "the socket of the doors")
    yield running
    running.stop()


def card_of(emulator, case_id):
    cards = [message for message in emulator.messages(STOCK) if _case_id(message) == case_id]
    return cards[0] if cards else None


def scrape(bot):
    with urllib.request.urlopen(f"{bot.url}/metrics") as response:
        return samples(response.read().decode())


def total(found, name, *labels):
    return sum(value for key, value in found.items() if key[0] == name and {*labels} <= {*key})


def ended_count(found, kind):
    return total(found, "countersign_resolution_seconds_bucket", f"kind={kind}", "le=+Inf")


def test_a_case_is_one_trace_and_one_line_of_figures_over_all_processes(
    bot, emulator, collector, tmp_path
):
    assert send_low_stock(bot, 1) == "opened"
    database = Database(f"sqlite:///{tmp_path / 'data' / 'countersign.db'}")
    store = Store.over(database)
    try:
        (case,) = [case for case in store.queries.newest(limit=400) if case.signal.source == "api"]
        wait_until(lambda: card_of(emulator, case.id), "the card")
        approve(emulator, store.cases.case(case.id), card_of(emulator, case.id))
        wait_until(lambda: store.cases.case(case.id).is_terminal, "the end of the case")
        # A process counts what it has committed, so that the count follows the case.
        wait_until(lambda: ended_count(scrape(bot), case.kind) >= 1, "the count of the case")
        found = scrape(bot)
        size = store.ledger.head()[0]
    finally:
        database.close()
    # Opened and decided in the first process, ended in a worker.
    kind = f"kind={case.kind}"
    assert total(found, "countersign_cases_opened_total", kind) >= 1
    assert total(found, "countersign_decision_seconds_count", kind) >= 1
    assert ended_count(found, case.kind) == 1
    assert total(found, "countersign_cases_ended_total", kind, "alone=false") == 1
    assert total(found, "countersign_slack_calls_total", "method=chat.postMessage") >= 1
    assert total(found, "countersign_connector_calls_total", "call=look_up", "outcome=done") >= 1
    assert total(found, "countersign_database_up") == 1
    assert 0 < total(found, "countersign_ledger_entries") <= size
    assert total(found, "countersign_stage_actions") >= 5
    assert total(found, "countersign_workers", "state=open") == 2
    assert bot.stop() == 0
    trace_id = f"{trace_id_of('harbour', case.id):032x}"
    spans = [span for span in collector.spans if span.trace_id == trace_id]
    assert {"intake", "triage", "card", "decision", "step", "look_up", "slack"} <= {
        span.name for span in spans
    }
    assert {span.attributes["countersign.case"] for span in spans} == {case.id}
    ids = {span.id for span in spans}
    assert {span.parent_id for span in spans} - ids == {""}
    for person in (b"U0ANA", b"U0BEN"):
        assert person not in b"".join(collector.bodies)
    assert Witness(tmp_path / "data" / "checkpoints", "harbour").last_signed()[0] >= size
