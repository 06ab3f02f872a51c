"""Traces over a socket: one a case, whole, without a word about people."""

import os
import subprocess
import sys

import pytest

from bot import tracing
from bot.cases.errors import NotEligible, SettingsIncomplete
from bot.cli.tracing import trace_options
from bot.cli.tracing import tracing as traced
from bot.connectors.measured import MeasuredConnector
from bot.lazy_module import LazyModule
from bot.settings import load
from tests.fakes.collector import Collector
from tests.fakes.directory import principal
from tests.test_settings import TOKENS
from tests.world import request

LEDGER = "house"


@pytest.fixture
def collector():
    collector = Collector()
    yield collector
    collector.close()


def settings(collector, **more):
    return load(
        {
            **TOKENS,
            "COUNTERSIGN_ORIGIN": LEDGER,
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            **more,
        }
    )


@pytest.fixture
def world(small_world):
    """A desk whose system of record is measured, as that of the bot is."""
    small_world.house = MeasuredConnector("house", small_world.house)
    small_world.start("")
    return small_world


def play(world):
    """A case from the signal to the verification, with an edit, a refusal and notes."""
    signal = world.signal(
        title="Merlot for Nora Quist is running low", requester=principal("elsie")
    )
    case = world.store.cases.case(world.receive(signal).case_id)
    world.work()
    world.desk.decisions.edit(
        request(case.id, principal("omar"), world.seen(case)), values={"quantity": 12}
    )
    with pytest.raises(NotEligible):
        world.approve(world.case(case), "finn")
    world.approve(world.case(case), note="Nora Quist asked for it")
    world.work()
    return world.case(case)


def test_a_case_is_one_trace_from_the_signal_to_the_verification(world, collector):
    with traced(settings(collector)):
        case = play(world)
    assert case.is_terminal
    spans = collector.spans
    assert collector.paths == ["/v1/traces"] * len(collector.paths)
    assert {span.trace_id for span in spans} == {f"{tracing.trace_id_of(LEDGER, 'EX-1'):032x}"}
    (root,) = [span for span in spans if not span.parent_id]
    assert (root.name, root.id) == ("intake", f"{tracing.root_id_of(LEDGER, 'EX-1'):016x}")
    by_id = {span.id: span for span in spans}
    assert len(by_id) == len(spans)
    parents = {(span.name, by_id[span.parent_id].name) for span in spans if span.parent_id}
    assert parents >= {
        ("triage", "intake"),
        ("look_up", "triage"),
        ("prepare", "triage"),
        ("card", "intake"),
        ("decision", "intake"),
        ("step", "intake"),
        ("precondition", "step"),
        ("execute", "step"),
        ("verify", "step"),
    }
    for span in spans:
        assert span.began_at <= span.ended_at
        assert span.attributes["countersign.case"] == "EX-1"


def test_spans_say_what_was_done_and_how_it_ended(world, collector):
    with traced(settings(collector)):
        play(world)

    def attributes(name, **like):
        return [
            {key.removeprefix("countersign."): text for key, text in span.attributes.items()}
            for span in collector.spans
            if span.name == name
        ]

    assert attributes("intake") == [
        {"kind": "low_stock", "source": "api", "outcome": "opened", "case": "EX-1"}
    ]
    assert attributes("triage") == [
        {"kind": "low_stock", "state": "proposed", "outcome": "done", "case": "EX-1"}
    ]
    decisions = [(one["decision"], one["outcome"]) for one in attributes("decision")]
    assert decisions == [("edit", "recorded"), ("approve", "refused"), ("approve", "recorded")]
    (execute,) = attributes("execute")
    assert execute == {
        "system": "house",
        "action": "house.order_stock",
        "outcome": "done",
        "case": "EX-1",
    }
    assert {one["outcome"] for one in attributes("verify")} == {"landed"}


def test_nothing_about_people_is_sent(world, collector):
    with traced(settings(collector)):
        case = play(world)
    people = [party for party in case.activity.people if "/" in party]
    assert len(people) >= 3
    private = [*people, *(person.partition("/")[2] for person in people)]
    private += ["Nora", "Quist", "Ana", "Omar", "Elsie", "Merlot", "running low", "product:1"]
    private += ["asked for it", case.channel, case.owner, str(case.assessment.stake.amount)]
    texts = [*collector.resource.values()]
    for span in collector.spans:
        texts += [span.name, *span.attributes, *span.attributes.values()]
    words = "\n".join(texts).lower()
    assert "low_stock" in words
    assert [text for text in private if text.lower() in words] == []
    # Nor anywhere else in what goes over the wire; ids are random, so short texts prove nothing.
    sent = b"\n".join(collector.bodies).lower()
    assert [text for text in private if len(text) > 6 and text.lower().encode() in sent] == []


def test_other_processes_write_into_the_same_trace(world, collector):
    with traced(settings(collector)):
        world.receive()
    code = (
        "from bot import tracing\n"
        "from bot.cli.tracing import tracing as traced\n"
        "from bot.settings import load\n"
        "with traced(load()):\n"
        "    with tracing.span('card', 'EX-1'):\n"
        "        pass\n"
    )
    environment = {
        **os.environ,
        **TOKENS,
        "COUNTERSIGN_ORIGIN": LEDGER,
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
    }
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    intake, card = collector.spans
    assert (card.name, card.trace_id, card.parent_id) == ("card", intake.trace_id, intake.id)


def test_nothing_is_imported_and_nothing_sent_without_a_collector():
    code = (
        "import sys\n"
        "from bot import tracing, wiring\n"
        "from bot.cli import run\n"
        "from bot.cli.tracing import tracing as traced\n"
        "from bot.settings import load\n"
        f"with traced(load({TOKENS!r})), tracing.span('card', 'EX-1') as span:\n"
        "    span.set(kind='low_stock')\n"
        "    tracing.annotate(state='open')\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_span_without_a_case_is_dropped(collector):
    with traced(settings(collector)), tracing.span("look_up", system="house"):
        tracing.annotate(outcome="done")
    assert collector.bodies == []


def test_an_attribute_that_is_not_foreseen_is_a_mistake(collector):
    with (
        traced(settings(collector)),
        pytest.raises(ValueError, match="person is no attribute"),
        tracing.span("card", "EX-1", person="ana"),
    ):
        pass


def test_a_share_of_the_cases_is_traced_whole_in_every_process(collector):
    chosen = []
    for _ in range(2):
        before = len(collector.spans)
        half = {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.5"}
        with traced(settings(collector, **half)):
            for number in range(60):
                with tracing.span("card", f"EX-{number}"), tracing.span("slack"):
                    pass
        spans = collector.spans[before:]
        cases = [span.attributes["countersign.case"] for span in spans]
        assert all(cases.count(case) == 2 for case in cases)
        chosen.append(set(cases))
    assert chosen[0] == chosen[1]
    assert 10 < len(chosen[0]) < 50


def test_the_standard_variables_are_honoured(collector):
    more = {
        "OTEL_SERVICE_NAME": "wine desk",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=test,team=a%20b",
        "OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=harbour,authorization=Bearer%20abc",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{collector.url}/other/traces",
    }
    with traced(settings(collector, **more)), tracing.span("card", "EX-1"):
        pass
    assert collector.paths == ["/other/traces"]
    assert collector.headers[0]["x-tenant"] == "harbour"
    assert collector.headers[0]["authorization"] == "Bearer abc"
    resource = collector.resource
    assert resource["service.name"] == "wine desk"
    assert (resource["deployment.environment"], resource["team"]) == ("test", "a b")


@pytest.mark.parametrize(
    "more",
    [
        {"OTEL_SDK_DISABLED": "True"},
        {"OTEL_TRACES_SAMPLER": "always_off"},
        {"OTEL_TRACES_SAMPLER": "parentbased_always_off"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
    ],
)
def test_traces_can_be_turned_off(collector, more):
    off = settings(collector, **more)
    assert off.traces_url == ""
    with traced(off), tracing.span("card", "EX-1"):
        pass
    assert collector.bodies == []


def test_without_the_libraries_the_bot_says_what_to_install(collector, monkeypatch):
    name = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
    monkeypatch.setitem(sys.modules, name, None)
    # One that was not used before: it keeps what it has imported.
    monkeypatch.setattr(tracing, "trace_exporter", LazyModule(name))
    with pytest.raises(SettingsIncomplete, match=r"install countersign\[otel\]"):
        traced(settings(collector)).__enter__()


def test_headers_are_secrets(collector):
    with_secret = settings(collector, OTEL_EXPORTER_OTLP_HEADERS="authorization=hidden")
    assert trace_options(with_secret).headers == {"authorization": "hidden"}
    assert "hidden" not in repr(with_secret)


def test_a_collector_that_is_away_stops_nobody(world, collector):
    collector.close()
    with traced(settings(collector)):
        case = play(world)
    assert case.is_terminal
