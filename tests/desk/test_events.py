"""Events to programs: at least once, each in its own time, and no more than a program may know."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from itertools import pairwise

import pytest
from standardwebhooks import Webhook

from bot.audit.checkpoints import Checkpoints
from bot.audit.receipts import Receipts
from bot.audit.replay import replay
from bot.cases.entries import RejectReason
from bot.cases.errors import StaleFence
from bot.cases.program import Callback, EventType, Program
from bot.clock import utc_now
from bot.connectors.callbacks import CallbackSender
from bot.desk.worker import PAUSES, WorkerPool, WorkerTimings
from bot.metrics import REGISTRY
from bot.ports.outbox import Topic
from bot.store import tables
from bot.store.outbox_rows import DONE, PARKED, READY
from bot.views.approval_record import receipt_payload
from tests.desk.test_program_approvals import AGENT, ORDER, REFUND, Agent, approve, reject
from tests.fakes.clock import FakeClock
from tests.fakes.directory import principal
from tests.fakes.receiver import SECRET, Receiver
from tests.store.rows import rows_of
from tests.waiting import wait_until
from tests.world import World, request

NETWORKS = (ip_network("127.0.0.0/8"),)
DAY = timedelta(days=1)


def program(name, receiver, *, events=tuple(EventType), kinds=("low_stock",), **more):
    callback = Callback(url=receiver.url, secret_env=("HOOK_SECRET",), events=events)
    return Program(name=name, title=f"The {name}", kinds=kinds, callback=callback, **more)


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def other_receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


def tell(world: World, *programs: Program, timeout_seconds: float = 60.0) -> World:
    """Let these programs be told; the time is that of the signatures' library."""
    if isinstance(world.clock, FakeClock):
        world.clock.at = datetime.now(UTC).replace(microsecond=0)
    world.library.programs = {one.name: one for one in programs}
    world.waits["event_sender"] = CallbackSender(
        lambda name: SECRET, NETWORKS, timeout_seconds=timeout_seconds
    )
    world.waits["public_url"] = "https://desk.example"
    world.start("")
    return world


def messages(world):
    rows = [row._mapping for row in rows_of(world.store, tables.outbox)]
    return [row for row in rows if row["topic"] == "event"]


def states(world):
    return [row["state"] for row in messages(world)]


def post_due(world):
    """Post every event that is due, and nothing else."""
    while claimed := world.store.outbox.claim([Topic.EVENT], 1, world.clock(), 30):
        world.lane.handle(claimed[0])


def test_a_program_is_told_of_a_case_from_its_opening_to_its_end(world, receiver):
    tell(world, program("till", receiver))
    case = world.proposed()
    world.approve(case, "ana")
    world.work()
    assert sorted(receiver.types()) == [
        "case.decided",
        "case.executed",
        "case.opened",
        "case.resolved",
    ]
    by_type = {post.event["type"]: post.event for post in receiver.posts}
    opened = by_type["case.opened"]
    assert {name: opened[name] for name in ("specversion", "source", "subject", "id")} == {
        "specversion": "1.0",
        "source": "/countersign",
        "subject": case.id,
        "id": f"{case.id}-1-case_opened",
    }
    assert opened["data"]["case"] == {
        "id": case.id,
        "kind": "low_stock",
        "kind_title": "Running low",
        "title": "Merlot is running low",
        "state": "open",
        "is_over": False,
        "source": "api",
        "subject": "product:1",
        "owner": "floor-managers",
        "stake": None,
        "opened_at": opened["time"],
        "decided_at": None,
        "ended_at": None,
        "decision": None,
        "url": f"https://desk.example/v1/cases/{case.id}",
    }
    decided = by_type["case.decided"]["data"]["case"]["decision"]
    assert decided["outcome"] == "approved"
    assert decided["by"] == [{"id": principal("ana"), "name": "Ana"}]
    assert by_type["case.resolved"]["data"]["case"]["is_over"]
    assert set(states(world)) == {DONE}


def test_the_signature_is_that_of_the_body_and_the_id_that_of_the_event(small_world, receiver):
    tell(small_world, program("till", receiver))
    small_world.proposed()
    (post,) = receiver.posts
    Webhook(SECRET).verify(post.body, post.headers)
    assert post.id == post.event["id"]
    assert "." not in post.id


def test_whoever_rejects_is_named(small_world, receiver):
    tell(small_world, program("till", receiver, events=("case.decided",)))
    case = small_world.proposed()
    asked = request(case.id, principal("ana"), small_world.seen(case))
    small_world.desk.decisions.reject(asked, RejectReason.WRONG_PLAN, "no")
    small_world.work()
    (post,) = receiver.posts
    decision = post.event["data"]["case"]["decision"]
    assert (decision["outcome"], decision["by"][0]["name"]) == ("rejected", "Ana")
    # What people say to each other stays with them.
    assert b"The plan is wrong" not in post.body


def test_an_event_says_how_the_case_was_and_not_how_it_is_when_it_arrives(world, receiver):
    tell(world, program("till", receiver))
    receiver.status = 500
    case = world.proposed()
    world.approve(case, "ana")
    world.work()
    receiver.posts.clear()
    receiver.status = 200
    world.clock.forward(hours=2)
    post_due(world)
    opened = next(post.event for post in receiver.posts if post.event["type"] == "case.opened")
    assert opened["data"]["case"]["state"] == "open"
    assert opened["data"]["case"]["decision"] is None


# --- who hears ------------------------------------------------------------------------------------


def test_a_program_hears_of_its_kinds_and_of_what_it_raised_and_of_nothing_else(
    world, receiver, other_receiver
):
    tell(world, program("till", receiver), program("shop", other_receiver, kinds=()))
    world.proposed()
    assert (len(receiver.posts), len(other_receiver.posts)) == (1, 0)
    world.receive(world.signal("product:2", source="program:shop", kind="other_kind"))
    world.work()
    assert (len(receiver.posts), len(other_receiver.posts)) == (1, 1)
    assert other_receiver.posts[0].event["data"]["case"]["source"] == "program:shop"


def test_a_decision_on_a_request_is_told_to_its_program_as_it_reads_it(world, receiver, tmp_path):
    world.waits["receipt_signer"] = Receipts(Checkpoints(tmp_path / "notes", "countersign"))
    shop = program("stock-agent", receiver, events=("approval.decided",), kinds=())
    tell(world, replace(shop, **{name: getattr(AGENT, name) for name in ("actions", "owner")}))
    agent = Agent(world, world.library.programs["stock-agent"])
    ordered, refund = agent.ask(ORDER).case, agent.ask(REFUND).case
    assert receiver.posts == []
    # Ours is decided when it is approved, its own when it is handed back.
    world.approve(world.case(ordered), "ana")
    world.approve(world.case(refund), "elsie")
    world.work()
    told = {post.event["subject"]: post.event for post in receiver.posts}
    assert set(told) == {ordered.id, refund.id}
    assert {event["type"] for event in told.values()} == {"approval.decided"}
    approval = told[refund.id]["data"]["approval"]
    assert approval["decision"]["by"] == [{"id": principal("elsie"), "name": "Elsie"}]
    assert approval["decision"]["arguments"] == REFUND.arguments
    # For nothing has happened since.
    assert {**approval, "receipt": None} == agent.record(refund)
    # The same receipt that the program would be answered.
    signer = world.waits["receipt_signer"]
    assert approval["receipt"] == signer.sign(receipt_payload(agent.look(refund.id), "countersign"))
    assert approval["receipt"].count(".") == 2
    assert told[ordered.id]["data"]["approval"]["state"] == "approved"


@pytest.mark.parametrize("end", ["rejected", "expired", "cancelled"])
def test_every_other_end_of_a_request_is_a_decision_too(small_world, receiver, end):
    world = tell(small_world, replace(AGENT, callback=program("x", receiver).callback))
    agent = Agent(world, world.library.programs["stock-agent"])
    case = agent.ask().case
    if end == "rejected":
        reject(world, case)
    elif end == "cancelled":
        world.desk.program_approvals.cancel(agent.caller, case.id)
    else:
        world.clock.forward(days=3)
        world.desk.upkeep.deadlines.process_due()
    post_due(world)
    (decided,) = [post.event for post in receiver.posts if "approval." in post.event["type"]]
    assert decided["data"]["approval"]["decision"]["outcome"] == end


def test_a_request_is_told_to_no_other_program(small_world, receiver, other_receiver):
    till = replace(AGENT, callback=program("till", receiver).callback)
    world = tell(small_world, till, program("spy", other_receiver, kinds=(till.approval_kind,)))
    agent = Agent(world, till)
    approve(world, agent.ask().case, "elsie")
    assert receiver.types().count("approval.decided") == 1
    assert other_receiver.posts == []


def test_without_a_subscription_nothing_is_written(small_world, receiver):
    tell(
        small_world,
        program("till", receiver, events=("approval.decided",)),
        program("shop", receiver, kinds=("another",)),
        Program(name="reader", title="A reader", kinds=("low_stock",)),
    )
    small_world.approve(small_world.proposed(), "ana")
    small_world.work()
    assert messages(small_world) == []
    assert receiver.posts == []


def test_whoever_has_unsubscribed_meanwhile_is_not_told(small_world, receiver):
    tell(small_world, program("till", receiver), program("shop", receiver))
    small_world.receive()
    small_world.library.programs = {"till": program("till", receiver, events=("approval.decided",))}
    small_world.work()
    assert receiver.posts == []
    assert states(small_world) == [DONE, DONE]


# --- receivers that fail --------------------------------------------------------------------------


def test_a_receiver_that_fails_for_a_day_is_tried_all_day_and_then_parked(world, receiver):
    tell(world, program("till", receiver, events=("case.opened",)))
    receiver.status = 500
    began_at = world.clock()
    world.receive()
    world.work()
    waits = []
    assert replay(world.store.database).differences == ()
    while states(world) == [READY]:
        run_at = messages(world)[0]["run_at"]
        waits.append(run_at - world.clock.at.timestamp())
        world.clock.at = datetime.fromtimestamp(run_at, UTC)
        post_due(world)
    assert states(world) == [PARKED]
    assert world.clock() - began_at >= DAY
    # Each wait is longer than the one before, up to its greatest.
    assert len(waits) == len(PAUSES[Topic.EVENT])
    assert all(long >= short / 1.2 for short, long in pairwise(waits))
    assert len({post.id for post in receiver.posts}) == 1
    assert len({post.body for post in receiver.posts}) == 1
    assert len(receiver.posts) == len(PAUSES[Topic.EVENT]) + 1
    (parked,) = world.store.outbox.parked_messages()
    assert parked["key"] == "event:EX-1:1:case.opened:till"
    assert parked["error"] == "The till: answered 500"
    # For `countersign doctor` it is work that somebody must look at, and nothing else.
    assert replay(world.store.database).differences == ()
    # The cause was corrected.
    receiver.status = 200
    assert world.store.outbox.unpark(parked["key"], world.clock())
    world.clock.forward(minutes=2)
    post_due(world)
    assert states(world) == [DONE]


def test_a_receiver_that_wants_no_more_gets_no_more(small_world, receiver):
    tell(small_world, program("till", receiver, events=("case.opened",)))
    receiver.status = 410
    small_world.proposed()
    small_world.clock.forward(days=2)
    post_due(small_world)
    assert len(receiver.posts) == 1
    assert states(small_world) == [DONE]


def test_an_answer_that_comes_too_late_leads_to_the_same_event_again(small_world, receiver):
    tell(small_world, program("till", receiver, events=("case.opened",)), timeout_seconds=0.3)
    receiver.is_hanging = True
    small_world.proposed()
    assert len(receiver.posts) == 1
    receiver.is_hanging = False
    small_world.clock.forward(minutes=1)
    post_due(small_world)
    first, second = receiver.posts
    assert (first.id, first.body) == (second.id, second.body)
    assert states(small_world) == [DONE]


def test_a_crash_between_the_post_and_its_record_posts_it_again(world, receiver, monkeypatch):
    tell(world, program("till", receiver, events=("case.opened",)))
    world.receive()
    (message,) = world.store.outbox.claim([Topic.EVENT], 1, world.clock(), 30)

    def crash(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(world.store.outbox, "finish", crash)
        with pytest.raises(KeyboardInterrupt):
            world.desk.events.run(message)
    world.work()
    world.clock.forward(seconds=31)
    post_due(world)
    first, second = receiver.posts
    assert (first.id, first.body) == (second.id, second.body)
    assert states(world) == [DONE]
    # Whoever held it first can no longer record it.
    with pytest.raises(StaleFence):
        world.store.outbox.finish(message)


def test_a_failed_event_lets_the_others_of_its_receiver_rest_and_counts_for_them(
    small_world, receiver
):
    tell(small_world, program("till", receiver, events=("case.opened",)))
    receiver.status = 503
    for number in range(20):
        small_world.receive(small_world.signal(f"product:{number}"))
    post_due(small_world)
    assert len(receiver.posts) == 1
    assert {row["attempts"] for row in messages(small_world)} == {1}
    assert {row["error"] for row in messages(small_world)} == {
        "The till: answered 503",
        "it did not take an earlier event",
    }
    receiver.status = 200
    small_world.clock.forward(minutes=2)
    post_due(small_world)
    assert set(states(small_world)) == {DONE}
    assert len({post.id for post in receiver.posts}) == 20


def test_a_receiver_that_hangs_holds_up_no_other(small_world, receiver, other_receiver):
    world = tell(
        World(small_world.store, clock=utc_now),
        program("till", receiver, events=("case.opened",)),
        program("shop", other_receiver, events=("case.opened",)),
        timeout_seconds=30.0,
    )
    receiver.is_hanging = True
    pool = WorkerPool(
        "events",
        world.store.outbox,
        {Topic.EVENT: world.desk.events.run},
        utc_now,
        threads=8,
        timings=WorkerTimings(lease_for=60),
    )
    count = 40
    for number in range(count):
        world.receive(world.signal(f"product:{number}"))
    pool.start()
    try:
        # The first hangs with as many as it may have at once, while the other hears of all.
        wait_until(lambda: len({post.id for post in other_receiver.posts}) == count, "the other")
        assert len(receiver.posts) == 2
    finally:
        receiver.close()
        pool.stop()


def test_what_became_of_events_is_counted(small_world, receiver):
    def count(outcome):
        labels = {"system": "program:till", "call": "case.opened", "outcome": outcome}
        return REGISTRY.get_sample_value("countersign_connector_calls_total", labels) or 0

    before = {outcome: count(outcome) for outcome in ("ok", "failed", "refused")}
    tell(small_world, program("till", receiver, events=("case.opened",)))
    answers = iter([500, 200, 410])
    receiver.status = lambda post: next(answers)
    small_world.proposed()
    small_world.clock.forward(minutes=1)
    post_due(small_world)
    small_world.receive(small_world.signal("product:2"))
    post_due(small_world)
    for outcome, earlier in before.items():
        assert count(outcome) == earlier + 1
